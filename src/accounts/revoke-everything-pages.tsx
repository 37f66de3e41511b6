/** `/account/revoke-everything`: ends all that is a person's own, for when somebody else may have had some of it. */
import { Router } from '@koa/router'
import { RevokeEverythingPage } from '../../views/accounts/revoke-everything-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { type State, sourceOf } from '../http/context.ts'
import type { Pages } from '../http/pages.ts'
import type { EndMatching } from '../revocation/end-matching.ts'
import type { Applications } from './browser-session.ts'
import { type PersonRoutesDeps, personRoutes, seeOther } from './person-routes.ts'

export interface RevokeEverythingDeps extends PersonRoutesDeps {
  readonly applications: Applications
  readonly endMatching: EndMatching
  readonly pages: Pages
}

export function createRevokeEverythingPages(deps: RevokeEverythingDeps): Router<State> {
  const { applications, endMatching, pages } = deps
  const router = new Router<State>()
  const { show, end } = personRoutes(router, deps)

  const of = (accountId: string) =>
    [{ accountId }, { everywhere: false, organizations: [], accountId }] as const

  show(paths.revokeEverything, async (ctx, { account }) => {
    const { counts } = await endMatching.look(...of(account.id))
    const allowed = (await applications.list(account.id)).length
    pages.render(ctx, <RevokeEverythingPage counts={counts} applications={allowed} />, { account })
  })

  end(
    paths.revokeEverything,
    () => paths.revokeEverything,
    async () => undefined,
    async (ctx, { account, session }) => {
      const source = sourceOf(ctx)
      const { complete } = await endMatching.end(...of(account.id), {
        actor: { type: 'account', id: account.id },
        credential: { kind: 'session', id: session.uid },
        source,
        reason: 'revoked_everything',
      })
      // Applications have to ask again, also those that nobody has to be asked for twice.
      for (const { clientId } of await applications.list(account.id))
        await applications.withdraw(account.id, clientId, source)
      seeOther(ctx, complete ? paths.signIn : paths.revokeEverything)
    },
  )

  return router
}
