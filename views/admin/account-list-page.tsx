import { Badge } from '../layout/badge.tsx'
import { Button } from '../layout/button.tsx'
import { DataTable } from '../layout/data-table.tsx'
import { EmptyState } from '../layout/empty-state.tsx'
import { Field } from '../layout/field.tsx'
import { Name } from '../layout/name.tsx'
import { Pager } from '../layout/pager.tsx'
import { paths } from '../layout/paths.ts'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { accountPath, type ShownAccount } from './account.ts'
import { RowName } from './row-name.tsx'

export interface AccountListPageProps {
  accounts: ShownAccount[]
  /** how the usernames begin */
  username: string
  older?: string | undefined
  later: boolean
}

export function AccountListPage({ accounts, username, older, later }: AccountListPageProps) {
  const { accounts: words, admin } = usePage().messages
  return (
    <WidePage
      title={words.title}
      lead={words.lead}
      current="admin"
      trail={[{ href: paths.admin, label: admin.title }]}
    >
      <form method="get" action={paths.adminAccounts} class="form">
        <Field name="username" label={words.search} value={username} required={false} />
        <div class="buttons">
          <Button look="secondary">{words.find}</Button>
        </div>
      </form>
      {accounts.length === 0 ? (
        <EmptyState title={words.none}>{words.noneNote}</EmptyState>
      ) : (
        <AccountTable accounts={accounts} />
      )}
      <Pager first={paths.adminAccounts} older={older} later={later} />
    </WidePage>
  )
}

function AccountTable({ accounts }: { accounts: ShownAccount[] }) {
  const words = usePage().messages.accounts
  return (
    <DataTable
      caption={words.title}
      rows={accounts}
      rowKey={account => account.id}
      columns={[
        {
          heading: words.account,
          cell: ({ id, name, username }) => (
            <RowName name={name || username} identifier={username} href={accountPath(id)} />
          ),
        },
        {
          heading: words.email,
          cell: ({ email }) =>
            email === undefined ? <span class="hint">{words.noEmail}</span> : <Name>{email}</Name>,
        },
        { heading: words.status, cell: account => <AccountStatus account={account} /> },
        { heading: words.created, cell: ({ createdAt }) => <Time value={createdAt} /> },
      ]}
    />
  )
}

export function AccountStatus({ account }: { account: Pick<ShownAccount, 'admin' | 'disabled'> }) {
  const words = usePage().messages.accounts
  return (
    <>
      {account.disabled ? (
        <Badge tone="danger">{words.disabled}</Badge>
      ) : (
        <Badge tone="success">{words.enabled}</Badge>
      )}
      {account.admin ? (
        <>
          {' '}
          <Badge tone="accent">{words.admin}</Badge>
        </>
      ) : null}
    </>
  )
}
