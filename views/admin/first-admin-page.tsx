import { FocusedPage } from '../layout/focused-page.tsx'
import { usePage } from '../page-context.ts'
import { type NewAccountErrors, NewAccountForm, type NewAccountValues } from '../sign-in/new-account-form.tsx'

export interface FirstAdminPageProps {
  action: string
  values: NewAccountValues
  errors: NewAccountErrors
  formError?: string | undefined
  /** of the one-time link, when `action` does not carry it: the hidden field `token` */
  token?: string | undefined
}

/** Behind the one-time link of the first start: the only way to the first administrator. */
export function FirstAdminPage({ action, values, errors, formError, token }: FirstAdminPageProps) {
  const words = usePage().messages.firstAdmin
  return (
    <FocusedPage
      title={words.title}
      lead={words.lead}
      hasErrors={formError !== undefined || Object.keys(errors).length > 0}
    >
      <NewAccountForm
        action={action}
        values={values}
        errors={errors}
        formError={formError}
        hidden={{ token }}
        button={words.button}
      />
    </FocusedPage>
  )
}
