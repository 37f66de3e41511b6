/**
 * The pages where people see their own account: an overview, their sessions, the applications they allowed. Each needs a
 * session; without one it leads to the sign-in page and back. Mounted by app.ts.
 */
import { Router, type RouterContext } from '@koa/router'
import { AccountPage } from '../../views/accounts/account-page.tsx'
import { ApplicationsPage } from '../../views/accounts/applications-page.tsx'
import { SessionsPage } from '../../views/accounts/sessions-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import type { Db } from '../db/connect.ts'
import { type State, sourceOf } from '../http/context.ts'
import type { Csrf } from '../http/csrf.ts'
import { readForm } from '../http/forms.ts'
import type { Pages } from '../http/pages.ts'
import type { Applications, BrowserSessions } from './browser-session.ts'
import { parameter, seeOther } from './person-routes.ts'
import { findSignedIn, type SignedIn } from './signed-in.ts'
import { describeUserAgent } from './user-agent.ts'

export interface AccountPagesDeps {
  readonly db: Db
  readonly sessions: BrowserSessions
  readonly applications: Applications
  readonly pages: Pages
  readonly csrf: Csrf
}

type Handler = (ctx: RouterContext<State>, person: SignedIn) => Promise<void>

export function createAccountPages({
  db,
  sessions,
  applications,
  pages,
  csrf,
}: AccountPagesDeps): Router<State> {
  const router = new Router<State>()

  /** After signing in people come back to where they were, or after a form to `page`. */
  const signedIn = (page: string, handle: Handler) => async (ctx: RouterContext<State>) => {
    const person = await findSignedIn(ctx, { db, sessions })
    if (person) await handle(ctx, person)
    else seeOther(ctx, `${paths.signIn}?${new URLSearchParams({ return_to: page })}`)
  }

  const show = (page: string, handle: Handler) => router.get(page, signedIn(page, handle))

  /** @param next where it leads; to `page` unless given */
  const act = (route: string, page: string, work: Handler, next = page) =>
    router.post(
      route,
      signedIn(page, async (ctx, person) => {
        csrf.check(ctx, await readForm(ctx))
        await work(ctx, person)
        seeOther(ctx, next)
      }),
    )

  show(paths.account, async (ctx, { account, session }) => {
    const { username, name, emailVerified, createdAt } = account
    const counts = {
      sessions: (await sessions.list(account.id)).length,
      applications: (await applications.list(account.id)).length,
    }
    const profile = {
      username,
      name,
      email: account.email ?? undefined,
      emailVerified,
      createdAt,
      lastSignInAt: session.signedInAt,
    }
    pages.render(ctx, <AccountPage profile={profile} counts={counts} />, { account })
  })

  show(paths.sessions, async (ctx, { account, session }) => {
    const items = (await sessions.list(account.id)).map(({ uid, userAgent, address, ...times }) => ({
      ...times,
      id: uid,
      current: uid === session.uid,
      userAgent: describeUserAgent(userAgent),
      address: address ?? '',
    }))
    const page = (
      <SessionsPage
        sessions={items}
        endAction={uid => `${paths.sessions}/${encodeURIComponent(uid)}/end`}
        endOthersAction={`${paths.sessions}/end-others`}
        signOutEverywhereAction={`${paths.sessions}/sign-out-everywhere`}
      />
    )
    pages.render(ctx, page, { account })
  })

  show(paths.applications, async (ctx, { account }) => {
    const items = (await applications.list(account.id)).map(application => ({
      ...application,
      scopes: application.scopes.map(({ resource, resourceName, scopes }) => ({
        title: resourceName,
        resource,
        scopes: scopes.map(({ name, description }) => ({ value: name, label: description || name })),
      })),
    }))
    const page = (
      <ApplicationsPage
        applications={items}
        withdrawAction={clientId => `${paths.applications}/${encodeURIComponent(clientId)}/withdraw`}
      />
    )
    pages.render(ctx, page, { account })
  })

  act(`${paths.sessions}/end-others`, paths.sessions, async (ctx, { account, session }) =>
    sessions.endOthers(account.id, session.uid, sourceOf(ctx)),
  )
  act(
    `${paths.sessions}/sign-out-everywhere`,
    paths.sessions,
    ctx => sessions.signOutEverywhere(ctx),
    paths.signIn,
  )
  act(`${paths.sessions}/:uid/end`, paths.sessions, async (ctx, { account }) =>
    sessions.end(account.id, parameter(ctx, 'uid'), sourceOf(ctx)),
  )
  act(`${paths.applications}/:client_id/withdraw`, paths.applications, async (ctx, { account }) =>
    applications.withdraw(account.id, parameter(ctx, 'client_id'), sourceOf(ctx)),
  )

  return router
}
