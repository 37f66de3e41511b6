/**
 * CORS (Fetch, section 3.2) for the JSON API and the endpoints of the protocol: scripts of registered applications may call
 * them with a credential of their own in a header. Never with cookies: there is no Access-Control-Allow-Credentials, ever.
 */
import type { Middleware } from './context.ts'

const METHODS = 'GET, POST, PUT, PATCH, DELETE'
const HEADERS = 'Authorization, Content-Type, DPoP, X-API-Key'
const EXPOSED = [
  'WWW-Authenticate',
  'DPoP-Nonce',
  'Location',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'X-Request-Id',
  'X-Credential-Warning',
].join(', ')
const PREFLIGHT_SECONDS = '600'

/** @param isAllowed whether scripts of this origin may read answers */
export function cors(
  isAllowed: (origin: string) => Promise<boolean>,
  extraHeaders: readonly string[] = [],
): Middleware {
  const allowedHeaders = [HEADERS, ...extraHeaders].join(', ')
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/v1/')) return next()
    ctx.vary('Origin')
    const origin = ctx.get('origin')
    if (origin === '' || origin === 'null' || !(await isAllowed(origin))) return next()
    ctx.set('Access-Control-Allow-Origin', origin)
    ctx.set('Access-Control-Expose-Headers', EXPOSED)
    if (ctx.method !== 'OPTIONS' || ctx.get('access-control-request-method') === '') return next()
    ctx.set('Access-Control-Allow-Methods', METHODS)
    ctx.set('Access-Control-Allow-Headers', allowedHeaders)
    ctx.set('Access-Control-Max-Age', PREFLIGHT_SECONDS)
    ctx.status = 204
    return undefined
  }
}

/** What scripts of clients ask the protocol. The documents are open to all, the rest is closed. */
export const CLIENTS_PATHS = ['/token', '/userinfo', '/revoke', '/par']
const EXPOSED_BY_PROTOCOL = 'DPoP-Nonce, WWW-Authenticate'

/**
 * The library says which client may be read by which origin once it knows the client; until then, so in preflights and in
 * refusals, it is open to all. This closes it to origins that no client has.
 */
export function onlyRegistered(isAllowed: (origin: string) => Promise<boolean>): Middleware {
  return async (ctx, next) => {
    await next()
    if (ctx.response.get('Access-Control-Allow-Origin') === '') return
    const origin = ctx.get('origin')
    if (origin !== '' && origin !== 'null' && (await isAllowed(origin))) {
      if (ctx.method !== 'OPTIONS') ctx.set('Access-Control-Expose-Headers', EXPOSED_BY_PROTOCOL)
      return
    }
    for (const name of Object.keys(ctx.response.headers))
      if (name.startsWith('access-control-')) ctx.remove(name)
  }
}
