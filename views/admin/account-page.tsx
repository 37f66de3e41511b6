import { Button, ButtonLink } from '../layout/button.tsx'
import { ConfirmPage } from '../layout/confirm-page.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'
import { accountPath, type ShownAccount } from './account.ts'
import { AccountStatus } from './account-list-page.tsx'

export interface AdminAccountPageProps {
  account: ShownAccount
  /** the person who looks */
  own: boolean
}

export function AdminAccountPage({ account, own }: AdminAccountPageProps) {
  const { accounts: words, admin } = usePage().messages
  return (
    <WidePage
      title={account.name || account.username}
      heading={<Name>{account.name || account.username}</Name>}
      lead={<code>{account.username}</code>}
      current="admin"
      trail={[
        { href: paths.admin, label: admin.title },
        { href: paths.adminAccounts, label: words.title },
      ]}
    >
      {account.disabled ? <Notice tone="warning">{words.disabledNote}</Notice> : null}
      <section class="card">
        <DetailsList
          details={[
            { term: words.status, value: <AccountStatus account={account} /> },
            {
              term: words.email,
              value: account.email === undefined ? words.noEmail : <Name>{account.email}</Name>,
            },
            { term: words.created, value: <Time value={account.createdAt} /> },
            { term: words.id, value: <code>{account.id}</code>, whole: true },
          ]}
        />
      </section>
      {own ? <p class="hint">{words.own}</p> : <Endings account={account} />}
    </WidePage>
  )
}

/** Enabling harms nobody, so it asks nothing. */
function Endings({ account: { id, disabled } }: { account: ShownAccount }) {
  const words = usePage().messages.accounts
  const here = accountPath(id)
  return (
    <div class="buttons">
      {disabled ? (
        <Form action={`${here}/enable`} class="item-action">
          <Button look="secondary">{words.enable}</Button>
        </Form>
      ) : (
        <ButtonLink look="danger" href={`${here}/disable`}>
          {words.disable}
        </ButtonLink>
      )}
      <ButtonLink look="danger" href={`${here}/delete`}>
        {words.delete}
      </ButtonLink>
    </div>
  )
}

type Named = Pick<ShownAccount, 'id' | 'username'>

const strong = (username: string) => (
  <Name key="username" strong>
    {username}
  </Name>
)

export function DisableAccountPage({ account: { id, username } }: { account: Named }) {
  const words = usePage().messages.accounts
  const here = accountPath(id)
  return (
    <ConfirmPage
      title={words.disableTitle(username)}
      action={`${here}/disable`}
      button={words.disable}
      cancel={{ href: here, label: words.keepEnabled }}
    >
      <p>{words.disableNote(strong(username))}</p>
    </ConfirmPage>
  )
}

export function DeleteAccountPage({ account: { id, username } }: { account: Named }) {
  const words = usePage().messages.accounts
  const here = accountPath(id)
  return (
    <ConfirmPage
      title={words.deleteTitle(username)}
      action={`${here}/delete`}
      button={words.delete}
      cancel={{ href: here, label: words.keep }}
    >
      <p>{words.deleteNote(strong(username))}</p>
    </ConfirmPage>
  )
}
