/** `/v1/credentials/self`: whoever holds a credential, of whatever kind, may learn what it is worth now. */
import { Router } from '@koa/router'
import { type State, sourceOf } from '../http/context.ts'
import { requestView } from '../http/request-view.ts'
import type { Authenticate } from './authenticate.ts'
import { identityJson } from './identity-json.ts'

export function createCredentialsApi({ authenticate }: { authenticate: Authenticate }): Router<State> {
  const router = new Router<State>()
  router.get('/v1/credentials/self', async ctx => {
    ctx.body = identityJson(await authenticate(requestView(ctx), { source: sourceOf(ctx) }))
  })
  return router
}
