import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'

export interface ConsentAccountProps {
  account: { name: string; username: string }
  /** undefined where the account cannot be changed */
  switchAction: string | undefined
  /** sent along with the change of account */
  hidden?: Record<string, string | undefined> | undefined
}

/** Who decides, and the way to let somebody else decide. */
export function ConsentAccount({ account, switchAction, hidden }: ConsentAccountProps) {
  const words = usePage().messages.consent
  return (
    <div class="consent-account">
      <p>
        {words.account(
          <Name key="name" strong>
            {account.name || account.username}
          </Name>,
          <Name key="username">{account.username}</Name>,
        )}
      </p>
      {switchAction === undefined ? null : (
        <Form action={switchAction} hidden={hidden}>
          <button type="submit" class="link-button">
            {words.switchAccount(<Name key="name">{account.name || account.username}</Name>)}
          </button>
        </Form>
      )}
    </div>
  )
}
