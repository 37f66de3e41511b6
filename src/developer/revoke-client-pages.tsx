/** `/clients/:client_id/revoke`: ends what a client holds, and leaves the client. The page is the dry run. */
import type { Router } from '@koa/router'
import { RevokeClientPage } from '../../views/developer/revoke-client-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { type PageContext, personRoutes, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import type { State } from '../http/context.ts'
import type { Filter } from '../revocation/revocable.ts'
import { opensClients } from './client-to-see.ts'
import { checkReach } from './ownership.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'
import { checkPlan, createPlan, endingOf, findBounds } from './revocation-plan.ts'

const REVOKE = `${paths.clients}/:client_id/revoke`

/** Not its secrets: those are retired one by one, or the client is disabled. */
const KINDS = ['device-code', 'grant', 'access-token', 'client-tokens', 'api-key']

export function mountRevokeClientPages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { db, keyring, pages, endMatching } = deps
  const { show, end } = personRoutes(router, deps)
  const { open, addressOf } = opensClients(deps)

  async function openToRevoke(ctx: PageContext, person: SignedIn) {
    const opened = await open(ctx, person)
    checkReach(opened.reach, opened.client.organizationId, 'owner')
    const filter: Filter = { clientId: opened.client.clientId, kinds: KINDS }
    return { ...opened, filter, bounds: await findBounds(db, opened.actor.identity) }
  }

  show(REVOKE, async (ctx, person) => {
    const { client, actor, filter, bounds } = await openToRevoke(ctx, person)
    const { clientId, clientName: name } = client
    const { counts } = await endMatching.look(filter, bounds)
    const plan = createPlan(keyring, actor.identity, filter, bounds)
    const page = <RevokeClientPage client={{ clientId, name }} counts={counts} plan={plan} />
    pages.render(ctx, page, { account: person.account })
  })

  end(
    REVOKE,
    ctx => `${addressOf(ctx)}/revoke`,
    openToRevoke,
    async (ctx, posted) => {
      const { actor, filter, bounds } = await openToRevoke(ctx, posted)
      checkPlan(keyring, actor.identity, filter, bounds, posted.form.get('plan'))
      await endMatching.end(filter, bounds, endingOf(actor, filter))
      seeOther(ctx, addressOf(ctx))
    },
  )
}
