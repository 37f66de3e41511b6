/**
 * Which requests are the provider's: these paths exactly, with these methods. Its own router also takes `/TOKEN` and
 * `/token/`, where nothing of ours would stand in front of it: no limit of the body, no refusal of U+0000, no JWT set
 * aside.
 */
import type { Middleware } from '../http/context.ts'
import { Problem } from '../http/problem.ts'

const DOCUMENT = ['GET', 'HEAD', 'OPTIONS']
const PAGE = ['GET', 'HEAD']

const METHODS: ReadonlyMap<string, readonly string[]> = new Map([
  ['/.well-known/openid-configuration', DOCUMENT],
  ['/.well-known/oauth-authorization-server', DOCUMENT],
  ['/jwks', DOCUMENT],
  ['/authorize', [...PAGE, 'POST']],
  ['/token', ['POST', 'OPTIONS']],
  ['/par', ['POST', 'OPTIONS']],
  // Not for browsers: no preflight.
  ['/introspect', ['POST']],
  ['/device_authorization', ['POST']],
  ['/revoke', ['POST', 'OPTIONS']],
  ['/userinfo', [...DOCUMENT, 'POST']],
  ['/end_session', [...PAGE, 'POST']],
  ['/end_session/confirm', ['POST']],
  ['/end_session/success', PAGE],
])

/** Where an authorization request goes on after a person has answered. */
const RESUME = /^\/authorize\/[\w-]+$/

/** Lets only the provider's requests through to `provider`. Throws Problem 405 for another method at one of its paths. */
export function onProviderPaths(provider: Middleware): Middleware {
  return (ctx, next) => {
    const methods = METHODS.get(ctx.path) ?? (RESUME.test(ctx.path) ? PAGE : undefined)
    if (!methods) return next()
    if (methods.includes(ctx.method)) return provider(ctx, next)
    throw new Problem(405, 'method_not_allowed', 'This address does not take that method.', undefined, {
      headers: { Allow: methods.join(', ') },
    })
  }
}
