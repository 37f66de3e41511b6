import { Button } from '../layout/button.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'

export interface SignOutPageProps {
  action: string
  /** the provider's own token for this form */
  xsrf: string
  /** who asked, when that is known */
  client?: { name: string } | undefined
}

/** Sign-out that a client asked for is confirmed: a link elsewhere must not be able to end a session. */
export function SignOutPage({ action, xsrf, client }: SignOutPageProps) {
  const words = usePage().messages.signOut
  return (
    <FocusedPage id="sign-out" title={words.title}>
      <p>
        {client
          ? [
              words.client(
                <Name key="client" strong>
                  {client.name}
                </Name>,
              ),
              ' ',
            ]
          : null}
        {words.lead}
      </p>
      <Form action={action} hidden={{ xsrf }}>
        <div class="buttons buttons-equal">
          <Button id="sign-out" name="logout" value="yes">
            {words.button}
          </Button>
          <Button id="stay" look="secondary">
            {words.stay}
          </Button>
        </div>
      </Form>
    </FocusedPage>
  )
}
