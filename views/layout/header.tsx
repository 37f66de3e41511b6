import { usePage } from '../page-context.ts'
import { Button } from './button.tsx'
import { Form } from './form.tsx'
import { LogoLink } from './logo.tsx'
import { Name } from './name.tsx'
import { paths } from './paths.ts'

export type CurrentPage =
  | 'account'
  | 'sessions'
  | 'applications'
  | 'tokens'
  | 'clients'
  | 'resources'
  | 'admin'

export function Header({ current }: { current?: CurrentPage | undefined }) {
  const { account, messages } = usePage()
  return (
    <header class="header">
      <div class="header-row">
        <LogoLink />
        {account ? (
          <Form action={paths.signOut} class="header-account">
            <span class="header-name">
              <Name>{account.name || account.username}</Name>
            </span>
            <Button look="quiet" compact>
              {messages.nav.signOut}
            </Button>
          </Form>
        ) : null}
      </div>
      {account ? <Menu current={current} member={account.member ?? false} admin={account.admin} /> : null}
    </header>
  )
}

function Menu({
  current,
  member,
  admin,
}: {
  current?: CurrentPage | undefined
  member: boolean
  admin: boolean
}) {
  const { messages } = usePage()
  const pages: CurrentPage[] = ['account', 'sessions', 'applications', 'tokens']
  if (member || admin) pages.push('clients', 'resources')
  if (admin) pages.push('admin')
  return (
    <nav class="menu" aria-label={messages.layout.menu}>
      <ul>
        {pages.map(page => (
          <li key={page}>
            <a href={paths[page]} aria-current={page === current ? 'page' : undefined}>
              {messages.nav[page]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}
