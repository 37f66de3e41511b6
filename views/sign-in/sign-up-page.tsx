import { FocusedPage } from '../layout/focused-page.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'
import { type NewAccountErrors, NewAccountForm, type NewAccountValues } from './new-account-form.tsx'

export interface SignUpPageProps {
  action: string
  values: NewAccountValues
  errors: NewAccountErrors
  formError?: string | undefined
  /** who asked for the sign-in */
  client?: { name: string } | undefined
  signInUrl: string
  returnTo?: string | undefined
  invite?: string | undefined
}

export function SignUpPage(props: SignUpPageProps) {
  const { action, values, errors, formError, client, signInUrl, returnTo, invite } = props
  const words = usePage().messages.signUp
  return (
    <FocusedPage
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
      hasErrors={formError !== undefined || Object.keys(errors).length > 0}
      aside={words.signIn(text => <a href={signInUrl}>{text}</a>)}
    >
      <NewAccountForm
        action={action}
        values={values}
        errors={errors}
        formError={formError}
        hidden={{ return_to: returnTo, invite }}
        button={words.button}
      />
    </FocusedPage>
  )
}
