import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'
import { fieldId } from './labelled.tsx'

export interface FieldError {
  /** undefined when no field on the page is to blame */
  field?: { name: string; label: string } | undefined
  message: string
}

export const formErrorId = 'form-error'

/** What stands in the way, above the form. One error of one field needs none: it stands at the field. */
export function ErrorSummary({
  formError,
  errors,
}: {
  formError?: string | undefined
  errors: FieldError[]
}) {
  const { messages } = usePage()
  const listed = errors.length > 1 || errors.some(error => !error.field) ? errors : []
  if (!formError && listed.length === 0) return null
  return (
    <Notice tone="danger" id={formErrorId}>
      <p>{formError ?? messages.layout.errorSummary(listed.length)}</p>
      {listed.length > 0 ? (
        <ul class="error-list">
          {listed.map(({ field, message }) => (
            <li key={field?.name ?? message}>
              {field ? (
                <a href={`#${fieldId(field.name)}`}>
                  {field.label}: {message}
                </a>
              ) : (
                message
              )}
            </li>
          ))}
        </ul>
      ) : null}
    </Notice>
  )
}
