/** `/admin/accounts`: everybody who can sign in; shutting, opening and deleting an account. */
import type { Router } from '@koa/router'
import type { ShownAccount } from '../../views/admin/account.ts'
import { AccountListPage } from '../../views/admin/account-list-page.tsx'
import { AdminAccountPage, DeleteAccountPage, DisableAccountPage } from '../../views/admin/account-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { type Account, findAccount } from '../accounts/account.ts'
import { listAccounts } from '../accounts/account-list.ts'
import {
  type PageContext,
  type PersonRoutesDeps,
  parameter,
  personRoutes,
  queryOf,
  seeOther,
} from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import { createPageActor, type PageActorDeps } from '../credentials/page-actor.ts'
import type { State } from '../http/context.ts'
import type { Pages } from '../http/pages.ts'
import { notFound, Problem } from '../http/problem.ts'
import { type AccountChangesDeps, removeAccount, setAccountDisabled } from './account-changes.ts'

export interface AccountPagesDeps extends AccountChangesDeps, PersonRoutesDeps, PageActorDeps {
  readonly db: AccountChangesDeps['db']
  readonly pages: Pages
}

const ONE = `${paths.adminAccounts}/:id`
const PAGE_LENGTH = 50

export const adminsOnly = () =>
  new Problem(403, 'access_denied', 'This page is for administrators of this server.')

export function mountAccountPages(router: Router<State>, deps: AccountPagesDeps): void {
  const { db, pages } = deps
  const { show, act, end } = personRoutes(router, deps)
  const actorAt = createPageActor(deps)
  const addressOf = (ctx: PageContext) => `${paths.adminAccounts}/${encodeURIComponent(parameter(ctx, 'id'))}`

  /** @throws Problem 403, 404 */
  async function open(ctx: PageContext, { account }: SignedIn): Promise<Account> {
    if (!account.admin) throw adminsOnly()
    const found = await findAccount(db, parameter(ctx, 'id'))
    if (!found) throw notFound()
    return found
  }

  show(paths.adminAccounts, async (ctx, { account }) => {
    if (!account.admin) throw adminsOnly()
    const cursor = queryOf(ctx, 'cursor')
    const username = queryOf(ctx, 'username') ?? ''
    const { data, nextCursor } = await listAccounts(db, { limit: PAGE_LENGTH, cursor, username })
    const older = nextCursor && new URLSearchParams({ ...(username && { username }), cursor: nextCursor })
    const page = (
      <AccountListPage
        accounts={data.map(shown)}
        username={username}
        older={older ? `${paths.adminAccounts}?${older}` : undefined}
        later={cursor !== undefined}
      />
    )
    pages.render(ctx, page, { account })
  })

  show(ONE, async (ctx, person) => {
    const account = await open(ctx, person)
    const page = <AdminAccountPage account={shown(account)} own={account.id === person.account.id} />
    pages.render(ctx, page, { account: person.account })
  })

  show(`${ONE}/disable`, async (ctx, person) => {
    const account = shown(await open(ctx, person))
    pages.render(ctx, <DisableAccountPage account={account} />, { account: person.account })
  })

  show(`${ONE}/delete`, async (ctx, person) => {
    const account = shown(await open(ctx, person))
    pages.render(ctx, <DeleteAccountPage account={account} />, { account: person.account })
  })

  end(
    `${ONE}/disable`,
    ctx => `${addressOf(ctx)}/disable`,
    open,
    async (ctx, posted) => {
      const { id } = await open(ctx, posted)
      await setAccountDisabled(deps, await actorAt(ctx, posted), id, true)
      seeOther(ctx, addressOf(ctx))
    },
  )

  act(`${ONE}/enable`, addressOf, async (ctx, posted) => {
    const { id } = await open(ctx, posted)
    await setAccountDisabled(deps, await actorAt(ctx, posted), id, false)
    seeOther(ctx, addressOf(ctx))
  })

  end(
    `${ONE}/delete`,
    ctx => `${addressOf(ctx)}/delete`,
    open,
    async (ctx, posted) => {
      const { id } = await open(ctx, posted)
      await removeAccount(deps, await actorAt(ctx, posted), id)
      seeOther(ctx, paths.adminAccounts)
    },
  )
}

const shown = ({ id, username, name, email, admin, disabled, createdAt }: Account): ShownAccount => ({
  id,
  username,
  name,
  email: email ?? undefined,
  admin,
  disabled,
  createdAt,
})
