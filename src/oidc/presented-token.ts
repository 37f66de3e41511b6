/**
 * The library introspects and revokes only tokens it can look up: a JWT is refused before any lookup. This stands in
 * front of /introspect and /revoke, keeps a presented JWT aside and hands the library an opaque handle, which the
 * access-token store resolves. Client authentication and the answer stay the library's.
 */
import { createHash } from 'node:crypto'
import type { Middleware } from 'koa'
import { Provider } from 'oidc-provider'
import { looksLikeJwt } from '../credentials/jwt-access-token.ts'
import { protocolBody } from '../http/protocol-body.ts'
import { looksMinted } from '../secrets/minted-format.ts'

interface Presented {
  readonly handle: string
  readonly jwt: string
}

const presented = new WeakMap<object, Presented>()

/** Swaps a JWT in the form field `token` for a handle that means it only within this request. */
export const setJwtAside: Middleware = async (ctx, next) => {
  const isOurs = ctx.method === 'POST' && (ctx.path === '/introspect' || ctx.path === '/revoke')
  const body = isOurs ? protocolBody(ctx) : undefined
  const token = body?.get('token')
  if (body && token && looksLikeJwt(token)) {
    const handle = createHash('sha256').update(token).digest('base64url')
    presented.set(ctx.req, { handle, jwt: token })
    body.set('token', handle)
  }
  await next()
}

/** The JWT that `handle` stands for in the request under way. */
export function findPresentedJwt(handle: string): string | undefined {
  const found = Provider.ctx && presented.get(Provider.ctx.req)
  return found?.handle === handle ? found.jwt : undefined
}

const ASKED_ABOUT = new Set(['introspection', 'revocation'])

/**
 * Whether what somebody asks about cannot be in a table of this room: it stands for a JWT, or is an API key or a personal
 * token. The library looks for all kinds of token at once; this saves it the queries that find nothing.
 */
export function isNowhereStored(token: string): boolean {
  if (!ASKED_ABOUT.has(Provider.ctx?.oidc.route ?? '')) return false
  return findPresentedJwt(token) !== undefined || looksMinted(token) !== undefined
}

/** Whether the request under way presented a JWT. */
export function presentedJwt(): string | undefined {
  return Provider.ctx && presented.get(Provider.ctx.req)?.jwt
}
