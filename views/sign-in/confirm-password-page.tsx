import { Button } from '../layout/button.tsx'
import { ErrorSummary } from '../layout/error-summary.tsx'
import { Field } from '../layout/field.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'

export interface ConfirmPasswordPageProps {
  /** where the form that was held back goes */
  action: string
  /** its fields, names and values in order */
  intent: readonly (readonly [string, string])[]
  username: string
  error?: string | undefined
  formError?: string | undefined
  retryAfterSeconds?: number | undefined
}

/** Is it still you? The form that was held back is sent with the answer. */
export function ConfirmPasswordPage(props: ConfirmPasswordPageProps) {
  const { action, intent, username, error, formError, retryAfterSeconds } = props
  const { messages } = usePage()
  const words = messages.confirmPassword
  const refusal =
    retryAfterSeconds === undefined
      ? formError
      : `${messages.signIn.tooMany} ${messages.signIn.retryAfter(retryAfterSeconds)}`
  return (
    <FocusedPage
      title={words.title}
      lead={words.lead(
        <Name key="username" strong>
          {username}
        </Name>,
      )}
      hasErrors={error !== undefined || refusal !== undefined}
    >
      <ErrorSummary formError={refusal} errors={[]} />
      <Form action={action}>
        {intent.map(([name, value], index) => (
          <input key={`${index} ${name}`} type="hidden" name={name} value={value} />
        ))}
        {/* For password managers: whose password it is. */}
        <input
          class="visually-hidden"
          type="text"
          autoComplete="username"
          value={username}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <Field
          name="password"
          label={messages.fields.password}
          type="password"
          autoComplete="current-password"
          error={error}
          autoFocus
        />
        <Button>{words.button}</Button>
      </Form>
    </FocusedPage>
  )
}
