/**
 * Two things the library leaves open. A POST to /authorize or /end_session (OpenID Connect Core, section 3.1.2.1) becomes
 * the same request as a GET, because a session cookie with SameSite=Lax does not travel with a form posted from another
 * site. A request without `scope` gets the client's default, wherever a request for authorization comes in.
 */
import type { Middleware } from 'koa'
import { mediaTypeOf } from '../http/body.ts'
import { Problem } from '../http/problem.ts'
import { protocolBody } from '../http/protocol-body.ts'
import { clientScopesForPeople } from '../resources/permission.ts'
import { claimedClientId } from './claimed-client.ts'
import type { OidcDeps } from './deps.ts'

/** What a client asks for that asks for nothing. */
const DEFAULT_SCOPE = 'openid'

/** Below what headers may be (server.ts), so that the request comes back. */
const LONGEST_QUERY = 16 * 1024

/** Where the client itself, not the person's browser, says what it asks for (RFC 9126; RFC 8628, section 3.1). */
const SENT_BY_THE_CLIENT: ReadonlySet<string> = new Set(['/par', '/device_authorization'])

export function prepareAuthorizationRequest({
  clients,
  resources,
}: Pick<OidcDeps, 'clients' | 'resources'>): Middleware {
  /** The client's own default. Else, where it names resources, what can be had there without a role: as for itself alone. */
  async function defaultScope(clientId: string | undefined, named: readonly string[]): Promise<string> {
    const client = clientId === undefined ? undefined : await clients.find(clientId)
    if (!client) return DEFAULT_SCOPE
    if (client.defaultScope !== null) return client.defaultScope
    const scopes = new Set<string>()
    for (const identifier of named) {
      const resource = await resources.find(identifier)
      for (const scope of resource ? clientScopesForPeople(client, resource) : [])
        if (!resource?.scopes.get(scope)?.restricted) scopes.add(scope)
    }
    return scopes.size > 0 ? [...scopes].join(' ') : DEFAULT_SCOPE
  }

  return async (ctx, next) => {
    if (ctx.method === 'POST' && (ctx.path === '/authorize' || ctx.path === '/end_session')) {
      ctx.status = 303
      ctx.redirect(`${ctx.path}?${queryOf(ctx)}`)
      return
    }
    // Sent without a value counts as not sent (RFC 6749, section 3.1). A pushed request has its scope already.
    if (ctx.path === '/authorize' && !ctx.query.scope && !ctx.query.request_uri)
      ctx.query = {
        ...ctx.query,
        scope: await defaultScope([ctx.query.client_id].flat()[0], [ctx.query.resource ?? []].flat()),
      }
    if (ctx.method === 'POST' && SENT_BY_THE_CLIENT.has(ctx.path)) {
      const body = protocolBody(ctx)
      if (!body.get('scope')) {
        const clientId = claimedClientId(ctx.req.headers, body)
        body.set('scope', await defaultScope(clientId, body.getAll('resource')))
      }
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
