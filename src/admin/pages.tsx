/** The administration's pages: the first administrator behind the one-time link, the read-only overview, and accounts. */
import { Router, type RouterContext } from '@koa/router'
import { AdminPage } from '../../views/admin/admin-page.tsx'
import { FirstAdminPage } from '../../views/admin/first-admin-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import type { BrowserSessions } from '../accounts/browser-session.ts'
import { findSignedIn } from '../accounts/signed-in.ts'
import type { Audit } from '../audit/audit.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { type State, sourceOf } from '../http/context.ts'
import type { Csrf } from '../http/csrf.ts'
import { readForm } from '../http/forms.ts'
import type { Pages } from '../http/pages.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { parseNewAccount, typedFields } from '../sign-in/new-account.ts'
import { type Refusal, refusalOf } from '../sign-in/refusal.ts'
import { type AccountPagesDeps, adminsOnly, mountAccountPages } from './account-pages.tsx'
import { checkAdminLink, claimAdminLink, FIRST_ACCOUNT_PATH } from './admin-link.ts'
import { findOverview } from './overview.ts'

export interface AdminPagesDeps extends AccountPagesDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly audit: Audit
  readonly changeLog: ChangeLog
  readonly sessions: BrowserSessions
  readonly pages: Pages
  readonly csrf: Csrf
}

type PageContext = RouterContext<State>

export function createAdminPages(deps: AdminPagesDeps): Router<State> {
  const { db, keyring, changeLog, sessions, pages, csrf } = deps
  const router = new Router<State>()

  router.get(paths.admin, async ctx => {
    const person = await findSignedIn(ctx, { db, sessions })
    if (!person) return seeOther(ctx, `${paths.signIn}?${new URLSearchParams({ return_to: paths.admin })}`)
    if (!person.account.admin) throw adminsOnly()
    const overview = await findOverview(db, changeLog)
    pages.render(ctx, <AdminPage {...overview} />, { account: person.account })
  })

  mountAccountPages(router, deps)

  /** Looking uses nothing up: mail scanners and browsers fetch links by themselves. */
  router.get(FIRST_ACCOUNT_PATH, async ctx => {
    const token = typeof ctx.query.token === 'string' ? ctx.query.token : ''
    await checkAdminLink(db, keyring, token)
    showForm(ctx, token, { username: '', name: '', email: '' })
  })

  router.post(FIRST_ACCOUNT_PATH, async ctx => {
    const form = await readForm(ctx)
    csrf.check(ctx, form)
    const token = form.get('token') ?? ''
    await checkAdminLink(db, keyring, token)
    try {
      const { accountId } = await claimAdminLink(deps, token, parseNewAccount(form), sourceOf(ctx))
      await sessions.signIn(ctx, accountId, { amr: ['pwd'] })
      seeOther(ctx, paths.admin)
    } catch (error) {
      showForm(ctx, token, typedFields(form), refusalOf(ctx, error))
    }
  })

  function showForm(
    ctx: PageContext,
    token: string,
    values: ReturnType<typeof typedFields>,
    refusal?: Refusal,
  ) {
    const page = (
      <FirstAdminPage
        action={FIRST_ACCOUNT_PATH}
        token={token}
        values={values}
        errors={refusal?.errors ?? {}}
        formError={refusal?.formError}
      />
    )
    pages.render(ctx, page, { status: refusal?.status ?? 200 })
  }

  return router
}

/** 303: the next request is a GET, whatever this one was. */
function seeOther(ctx: PageContext, path: string): void {
  ctx.status = 303
  ctx.redirect(path)
}
