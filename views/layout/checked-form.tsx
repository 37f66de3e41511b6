import type { ComponentChildren } from 'preact'
import { ErrorSummary, type FieldError } from './error-summary.tsx'
import { Form } from './form.tsx'
import { type FormErrors, sentence } from './form-errors.ts'

/** What a control needs to know of the last try. */
export type Refused = (name: string) => { label: string; error?: string | undefined; autoFocus?: boolean }

export interface CheckedFormProps {
  action: string
  hidden?: Record<string, string | undefined> | undefined
  /** every field that may be wrong, in the order of the page */
  labels: Record<string, string>
  errors: FormErrors
  formError?: string | undefined
  children: (field: Refused) => ComponentChildren
}

/** A longer form: what is wrong stands above it and at each field, and the first wrong field has the focus. */
export function CheckedForm({ action, hidden, labels, errors, formError, children }: CheckedFormProps) {
  const names = Object.keys(labels)
  const first = names.find(name => errors[name] !== undefined)
  const field: Refused = name => {
    const label = labels[name] ?? name
    const message = errors[name]
    return {
      label,
      ...(message !== undefined && { error: sentence(label, message) }),
      ...(name === first && { autoFocus: true }),
    }
  }
  const ofFields = names.flatMap(name => {
    const message = errors[name]
    return message === undefined ? [] : [{ field: { name, label: labels[name] ?? name }, message }]
  })
  const ofNone = Object.entries(errors).flatMap(([name, message]) =>
    message === undefined || name in labels ? [] : [{ message: sentence(name, message) }],
  )
  const listed: FieldError[] = [...ofFields, ...ofNone]
  return (
    <div class="checked-form">
      <ErrorSummary formError={formError} errors={listed} />
      <Form action={action} hidden={hidden}>
        {children(field)}
      </Form>
    </div>
  )
}
