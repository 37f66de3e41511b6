/**
 * Two things the library leaves open at /authorize and /end_session. A POST (OpenID Connect Core, section 3.1.2.1)
 * becomes the same request as a GET, because a session cookie with SameSite=Lax does not travel with a form posted from
 * another site. A request without `scope` gets the client's default.
 */
import type { Middleware } from 'koa'
import type { ClientDirectory } from '../clients/client-directory.ts'
import { protocolBody } from '../http/protocol-body.ts'

/** What a client asks for that asks for nothing. */
const DEFAULT_SCOPE = 'openid'

export function prepareAuthorizationRequest(clients: ClientDirectory): Middleware {
  return async (ctx, next) => {
    if (ctx.method === 'POST' && (ctx.path === '/authorize' || ctx.path === '/end_session')) {
      ctx.status = 303
      ctx.redirect(`${ctx.path}?${protocolBody(ctx)}`)
      return
    }
    if (ctx.method === 'GET' && ctx.path === '/authorize' && ctx.query.scope === undefined) {
      const client =
        typeof ctx.query.client_id === 'string' ? await clients.find(ctx.query.client_id) : undefined
      ctx.query = { ...ctx.query, scope: client?.defaultScope ?? DEFAULT_SCOPE }
    }
    await next()
  }
}
