/**
 * The security headers of every response. Only assets and the provider's public documents replace `Cache-Control`;
 * only `allowFormRedirect` and the provider's form_post page (which adds its script's hash) widen the policy.
 */
import type { Context, Middleware } from './context.ts'

/**
 * Nothing is loaded from another origin, ever; no inline script or style. `data:` is for the icon and an operator's
 * logo in the settings. The provider splits this at `;` and at spaces and joins it again: it must stay this plain.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

const ALWAYS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  // Not no-referrer: Chromium then sends `Origin: null` on our own forms.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cache-Control': 'no-store',
}

const TWO_YEARS_IN_SECONDS = 63_072_000

/** The headers as a plain table, also for answers that never reach Koa (server.ts). */
export function securityHeaders(issuer: string): Readonly<Record<string, string>> {
  return issuer.startsWith('https:')
    ? { ...ALWAYS, 'Strict-Transport-Security': `max-age=${TWO_YEARS_IN_SECONDS}` }
    : ALWAYS
}

export function headers({ issuer }: { issuer: string }): Middleware {
  const table = { ...securityHeaders(issuer) }
  return (ctx, next) => {
    ctx.set(table)
    return next()
  }
}

/**
 * Lets a form of this response end in a redirect to `uri`, which must be this request's validated redirect URI:
 * without it Chromium runs the POST and then blocks the redirect. Adds the origin of an http(s) URI or the scheme of
 * any other; what cannot be written into a policy is not added.
 */
export function allowFormRedirect(ctx: Pick<Context, 'response' | 'set'>, uri: string): void {
  const source = formTarget(uri)
  const policy = ctx.response.get('Content-Security-Policy') || CONTENT_SECURITY_POLICY
  if (source === undefined) return
  const directives = policy.split(';').map(directive => {
    const [name, ...sources] = directive.trim().split(/\s+/)
    if (name !== 'form-action' || sources.includes(source)) return directive.trim()
    return [name, ...sources, source].join(' ')
  })
  ctx.set('Content-Security-Policy', directives.join('; '))
}

/** Schemes that would let a form run script or read files here instead of leading to an application. */
const NEVER = new Set(['javascript:', 'data:', 'blob:', 'filesystem:', 'file:', 'about:', 'vbscript:'])

function formTarget(uri: string): string | undefined {
  const url = URL.parse(uri)
  if (!url || NEVER.has(url.protocol)) return undefined
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return /^[a-z][a-z0-9+.-]*:$/.test(url.protocol) ? url.protocol : undefined
  }
  // A URL's host may contain `;` and `,`, which would begin another directive or policy.
  if (/^[a-z0-9._-]+$/.test(url.hostname)) return url.origin
  // A policy cannot name an IPv6 address (CSP3 2.3.1), only any host at that port.
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return url.hostname.startsWith('[') ? `${url.protocol}//*:${port}` : undefined
}
