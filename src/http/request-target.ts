/**
 * The request line. Only targets that every later reader reads alike come through: origin-form with valid
 * percent-encoding. Absolute-form (RFC 9112 3.2.2) of the issuer becomes origin-form, of anyone else is refused.
 */
import type { Context, Middleware } from './context.ts'
import { invalidRequest, notFound, Problem } from './problem.ts'
import { parseUrlencoded } from './urlencoded.ts'

interface Origins {
  readonly issuer: string
  readonly mtlsOrigin?: string | undefined
}

export function requestTarget({ issuer, mtlsOrigin = issuer }: Origins): Middleware {
  return (ctx, next) => {
    const sent = ctx.req.url ?? ''
    // Koa finds no path at all in some targets: from here on, the error's answer included, there is one.
    if (!sent.startsWith('/')) replaceTarget(ctx, '/')
    const target = originForm(sent, [issuer, mtlsOrigin])
    if (target !== sent) replaceTarget(ctx, target)
    const [path = '', ...query] = target.split('?')
    checkPath(path)
    parseUrlencoded(query.join('?'), 'query')
    return next()
  }
}

function originForm(target: string, origins: readonly [issuer: string, mtls: string]): string {
  // Visible ASCII without a fragment or a backslash: anything else is read differently by different parsers.
  if (!/^[\x21-\x7e]+$/.test(target) || /[#\\]/.test(target))
    throw invalidRequest('The address is malformed.')
  if (target.startsWith('/')) return target
  const url = URL.parse(target)
  if (!/^https?:\/\//i.test(target) || !url || url.username !== '' || url.password !== '')
    throw invalidRequest('The address is malformed.')
  if (!origins.includes(url.origin))
    throw new Problem(421, 'misdirected_request', `This server answers as ${origins[0]} only.`)
  return `${url.pathname}${url.search}`
}

/** Koa keeps the first target as `originalUrl`, and would build its URLs from an absolute one. */
function replaceTarget(ctx: Context, target: string): void {
  ctx.req.url = target
  ctx.originalUrl = target
  ctx.request.originalUrl = target
}

function checkPath(path: string): void {
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    throw invalidRequest('The address is not valid percent-encoded UTF-8.')
  }
  if (decoded.includes('\0')) throw invalidRequest('The address contains the character U+0000.')
  // No page of ours has an empty first segment, and `//host` is another site's address to a browser.
  if (path.startsWith('//')) throw notFound()
}
