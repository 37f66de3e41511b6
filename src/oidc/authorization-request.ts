/**
 * Two things the library leaves open at /authorize and /end_session. A POST (OpenID Connect Core, section 3.1.2.1)
 * becomes the same request as a GET, because a session cookie with SameSite=Lax does not travel with a form posted from
 * another site. A request without `scope` gets the client's default.
 */
import type { Middleware } from 'koa'
import type { ClientDirectory } from '../clients/client-directory.ts'
import { mediaTypeOf } from '../http/body.ts'
import { Problem } from '../http/problem.ts'
import { protocolBody } from '../http/protocol-body.ts'

/** What a client asks for that asks for nothing. */
const DEFAULT_SCOPE = 'openid'

/** Below what headers may be (server.ts), so that the request comes back. */
const LONGEST_QUERY = 16 * 1024

export function prepareAuthorizationRequest(clients: ClientDirectory): Middleware {
  return async (ctx, next) => {
    if (ctx.method === 'POST' && (ctx.path === '/authorize' || ctx.path === '/end_session')) {
      ctx.status = 303
      ctx.redirect(`${ctx.path}?${queryOf(ctx)}`)
      return
    }
    // Sent without a value counts as not sent (RFC 6749, section 3.1).
    if (ctx.path === '/authorize' && !ctx.query.scope) {
      const client =
        typeof ctx.query.client_id === 'string' ? await clients.find(ctx.query.client_id) : undefined
      ctx.query = { ...ctx.query, scope: client?.defaultScope ?? DEFAULT_SCOPE }
    }
    await next()
  }
}

/** @throws Problem 415 for another body than a form, 413 for what no browser could ask for in an address */
function queryOf(ctx: Parameters<Middleware>[0]): string {
  const type = mediaTypeOf(ctx.req)
  if (type !== '' && type !== 'application/x-www-form-urlencoded')
    throw new Problem(415, 'unsupported_media_type', 'The body must be application/x-www-form-urlencoded.')
  const query = protocolBody(ctx).toString()
  if (query.length > LONGEST_QUERY)
    throw new Problem(413, 'content_too_large', `The parameters are longer than ${LONGEST_QUERY} characters.`)
  return query
}
