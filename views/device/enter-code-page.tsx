import { Button } from '../layout/button.tsx'
import { ErrorSummary, formErrorId } from '../layout/error-summary.tsx'
import { Field } from '../layout/field.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { paths } from '../layout/paths.ts'
import { ConsentAccount } from '../oidc/consent-account.tsx'
import { usePage } from '../page-context.ts'

export interface EnterCodePageProps {
  account: { name: string; username: string }
  /** as typed before, or as it came with the address that the device showed */
  userCode: string
  /** the person has not typed it */
  prefilled?: boolean | undefined
  error?: string | undefined
  /** there were too many tries */
  retryAfterSeconds?: number | undefined
  switchAccountAction: string
}

/** Which device? The code that it shows (RFC 8628, section 3.3). */
export function EnterCodePage(props: EnterCodePageProps) {
  const { account, userCode, prefilled, error, retryAfterSeconds, switchAccountAction } = props
  const { messages } = usePage()
  const words = messages.device
  const slowed =
    retryAfterSeconds === undefined
      ? undefined
      : `${messages.signIn.tooMany} ${messages.signIn.retryAfter(retryAfterSeconds)}`
  return (
    <FocusedPage
      id="device-code"
      title={words.title}
      lead={prefilled ? words.compare : words.lead}
      hasErrors={error !== undefined || slowed !== undefined}
    >
      <ErrorSummary formError={slowed} errors={[]} />
      <ConsentAccount
        account={account}
        switchAction={switchAccountAction}
        hidden={prefilled ? { user_code: userCode } : undefined}
      />
      <Form action={paths.device}>
        <Field
          name="user_code"
          label={words.code}
          type="code"
          value={userCode}
          hint={words.codeHint}
          error={error}
          describedBy={slowed ? formErrorId : undefined}
          autoFocus
        />
        <Button id="continue">{words.continue}</Button>
      </Form>
    </FocusedPage>
  )
}
