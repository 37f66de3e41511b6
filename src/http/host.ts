/**
 * 421 for any Host but the issuer's. Health checks and forward-auth are asked under other names (an address, a
 * proxy's own name) and build no URL from it.
 */
import type { Middleware } from './context.ts'
import { invalidRequest, Problem } from './problem.ts'

const OTHER_NAMES_ALLOWED = ['/health/', '/v1/forward-auth/']

export function host({ issuer }: { issuer: string }): Middleware {
  const { host: expected, protocol } = new URL(issuer)
  const defaultPort = protocol === 'https:' ? /:443$/ : /:80$/
  return (ctx, next) => {
    if (countOf(ctx.req.rawHeaders, 'host') > 1)
      throw invalidRequest('The request has more than one Host header.')
    if (OTHER_NAMES_ALLOWED.some(start => ctx.path.startsWith(start))) return next()
    const asked = (ctx.req.headers.host ?? '').toLowerCase().replace(defaultPort, '')
    if (asked === expected) return next()
    throw new Problem(
      421,
      'misdirected_request',
      `This server answers as ${issuer} only.`,
      `Host: ${asked.slice(0, 200)}`,
    )
  }
}

function countOf(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === name).length
}
