/**
 * POST /register (RFC 7591) and GET, PUT, DELETE at /register/{client_id} (RFC 7592). Ours and not the library's: here a
 * client, its secret, its token and the audit row are one transaction, the secret is never there in clear but in the one
 * answer, and the errors are the RFC's (docs/decisions/0019-self-registered-clients.md).
 */
import type { Provider } from 'oidc-provider'
import { findInitialAccessToken } from '../clients/initial-access-token.ts'
import { type Context, type Middleware, sourceOf } from '../http/context.ts'
import { readJson } from '../http/forms.ts'
import { invalidRequest, Problem } from '../http/problem.ts'
import { type Item, recordOf } from '../http/unknown-value.ts'
import type { OidcDeps } from './deps.ts'
import { createRegisteredClients, type Holder, type Registrar } from './registered-clients.ts'

const ONE = /^\/register\/([\w-]{1,64})$/

/** Scripts of any origin may register the application they are part of. What is sent is never a cookie. */
const CORS: Readonly<Record<string, string>> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate, Retry-After',
}

export function createRegistration(deps: OidcDeps, provider: () => Provider): Middleware {
  const { config, db, keyring, audit } = deps
  const registered = createRegisteredClients(deps, provider)

  /** @throws Problem 401, 403 */
  async function registrarOf(ctx: Context): Promise<Registrar> {
    const { clientRegistration: policy } = config
    if (policy === 'closed')
      throw new Problem(403, 'access_denied', 'Applications cannot register themselves at this server.')
    const source = sourceOf(ctx)
    const token = bearerOf(ctx)
    if (token === undefined) {
      if (policy === 'open') return { ceiling: new Map(), open: true, tokenName: null, source }
      throw unauthorized('Registering needs an initial access token.')
    }
    const found = await findInitialAccessToken(db, keyring, token)
    if (!found) throw unauthorized('The initial access token is not valid.', 'invalid_token')
    return { ceiling: found.ceiling, open: false, tokenName: found.name, source }
  }

  /** @throws Problem 401 */
  function holderOf(ctx: Context, clientId: string): Holder {
    const token = bearerOf(ctx)
    if (token === undefined) throw unauthorized('This needs the registration access token of the client.')
    return { clientId, token, source: sourceOf(ctx) }
  }

  async function answer(ctx: Context, clientId: string | undefined): Promise<void> {
    if (clientId === undefined) {
      const registrar = await registrarOf(ctx)
      ctx.body = await registered.register(await bodyOf(ctx), registrar)
      ctx.status = 201
      return
    }
    const holder = holderOf(ctx, clientId)
    if (ctx.method === 'GET') ctx.body = await registered.read(holder)
    else if (ctx.method === 'PUT') ctx.body = await registered.replace(await bodyOf(ctx), holder)
    else {
      await registered.remove(holder)
      ctx.status = 204
    }
  }

  /** @param error undefined where nothing was presented (RFC 6750, section 3.1) */
  function unauthorized(message: string, error?: string): Problem {
    const challenge = `Bearer realm="${config.issuer}"${error === undefined ? '' : `, error="${error}"`}`
    return new Problem(401, 'invalid_token', message, undefined, {
      headers: { 'WWW-Authenticate': challenge },
    })
  }

  return async (ctx, next) => {
    const clientId = ONE.exec(ctx.path)?.[1]
    if (ctx.path !== '/register' && clientId === undefined) return next()
    const methods = clientId === undefined ? ['POST'] : ['GET', 'PUT', 'DELETE']
    ctx.set(CORS)
    if (ctx.method === 'OPTIONS') {
      ctx.set('Access-Control-Allow-Methods', methods.join(', '))
      ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type')
      ctx.set('Access-Control-Max-Age', '600')
      ctx.status = 204
      return undefined
    }
    if (!methods.includes(ctx.method))
      throw new Problem(405, 'method_not_allowed', 'This address does not take that method.', undefined, {
        headers: { Allow: [...methods, 'OPTIONS'].join(', ') },
      })
    try {
      return await answer(ctx, clientId)
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error
      audit.recordLater({
        type: 'client_registration',
        outcome: 'refused',
        actor: { type: 'anonymous' },
        ...(clientId !== undefined && { subject: { type: 'client', id: clientId } }),
        source: sourceOf(ctx),
        detail: { method: ctx.method, error: error.code, reason: error.message },
      })
      if (error.status === 401 && !error.headers['WWW-Authenticate'])
        throw unauthorized(error.message, error.code)
      throw error
    }
  }
}

/** The token of `Authorization: Bearer …`; undefined where there is none of that scheme. @throws Problem 400 for two */
function bearerOf(ctx: Context): string | undefined {
  const all = ctx.req.headersDistinct.authorization ?? []
  if (all.length > 1) throw invalidRequest('There is more than one Authorization header.')
  return /^Bearer +([!-~]+)$/i.exec(all[0] ?? '')?.[1]
}

/** @throws Problem 400 */
async function bodyOf(ctx: Context): Promise<Item> {
  const body = recordOf(await readJson(ctx))
  if (!body) throw invalidRequest('The body must be a JSON object.')
  return body
}
