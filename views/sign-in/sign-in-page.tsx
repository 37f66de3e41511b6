import { Button } from '../layout/button.tsx'
import { ErrorSummary, type FieldError, formErrorId } from '../layout/error-summary.tsx'
import { Field } from '../layout/field.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'

export interface SignInPageProps {
  action: string
  values: { username: string }
  errors?: Partial<Record<'username' | 'password', string>> | undefined
  formError?: string | undefined
  /** who asked for the sign-in */
  client?: { name: string } | undefined
  /** undefined when accounts cannot be made here */
  signUpUrl?: string | undefined
  returnTo?: string | undefined
  /** sign-in is slowed down for now */
  retryAfterSeconds?: number | undefined
}

export function SignInPage(props: SignInPageProps) {
  const { action, values, errors = {}, client, signUpUrl, returnTo } = props
  const { messages } = usePage()
  const words = messages.signIn
  const { fields } = messages
  const refusal = useRefusal(props)
  const listed: FieldError[] = []
  if (errors.username) {
    listed.push({ field: { name: 'username', label: fields.username }, message: errors.username })
  }
  if (errors.password) {
    listed.push({ field: { name: 'password', label: fields.password }, message: errors.password })
  }
  const focusPassword = !errors.username && (errors.password !== undefined || values.username !== '')
  return (
    <FocusedPage
      id="sign-in"
      title={words.title}
      lead={
        client
          ? words.client(
              <Name key="client" strong>
                {client.name}
              </Name>,
            )
          : undefined
      }
      hasErrors={refusal !== undefined || listed.length > 0}
      aside={signUpUrl ? words.signUp(text => <a href={signUpUrl}>{text}</a>) : undefined}
    >
      <ErrorSummary formError={refusal} errors={listed} />
      <Form action={action} hidden={{ return_to: returnTo }}>
        <Field
          name="username"
          label={fields.username}
          value={values.username}
          error={errors.username}
          autoComplete="username"
          autoFocus={!focusPassword}
        />
        <Field
          name="password"
          label={fields.password}
          type="password"
          error={errors.password}
          autoComplete="current-password"
          autoFocus={focusPassword}
          describedBy={refusal ? formErrorId : undefined}
        />
        <Button id="sign-in">{words.button}</Button>
      </Form>
    </FocusedPage>
  )
}

function useRefusal({ formError, retryAfterSeconds }: SignInPageProps): string | undefined {
  const { tooMany, retryAfter } = usePage().messages.signIn
  if (retryAfterSeconds === undefined) return formError
  return `${formError ?? tooMany} ${retryAfter(retryAfterSeconds)}`
}
