/**
 * Who may call a route of the JSON API (http/api.ts): every kind of credential, as long as it has the route's scope on our
 * own resource. A browser sends a session's cookie without being asked, so a session that changes something shows the CSRF
 * token of a page in `X-CSRF-Token`; no other site can read one.
 */
import { routesFor } from '../http/api-route.ts'
import { type Context, sourceOf } from '../http/context.ts'
import type { Csrf } from '../http/csrf.ts'
import { requestView } from '../http/request-view.ts'
import type { OwnScope } from '../resources/own-resource.ts'
import type { Authenticate } from './authenticate.ts'
import { credentialHeaders } from './credential-headers.ts'
import type { Identity } from './kind.ts'

export const CSRF_HEADER = 'X-CSRF-Token'

/** Methods that change nothing (RFC 9110, section 9.2.1), as far as our routes go. */
const SAFE = new Set(['GET', 'HEAD'])

/** Declares a route of our own API. */
export const apiRoute = routesFor<Identity, OwnScope>()

export interface ApiCallerDeps {
  readonly authenticate: Authenticate
  readonly csrf: Pick<Csrf, 'check'>
  /** The identifier of our own API as a resource. */
  readonly ownResource: string
}

export function createApiCaller({ authenticate, csrf, ownResource }: ApiCallerDeps) {
  /** @param scope undefined: any good credential, also one for another resource */
  return async (ctx: Context, scope: string | undefined): Promise<Identity> => {
    const wanted = scope === undefined ? {} : { resource: ownResource, scopes: [scope] }
    const identity = await authenticate(requestView(ctx), { wanted, source: sourceOf(ctx) })
    if (identity.kind === 'session' && !SAFE.has(ctx.method))
      csrf.check(ctx, { get: () => ctx.get(CSRF_HEADER) || undefined })
    ctx.set(credentialHeaders(identity))
    return identity
  }
}
