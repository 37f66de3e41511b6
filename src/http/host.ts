/**
 * 421 for any Host but the issuer's, and the one at which clients with certificates reach us. Health checks and forward-auth
 * are asked under other names (an address, a proxy's own name) and build no URL from it; nor do assets, which the page that
 * says so to a person needs.
 */
import type { Middleware } from './context.ts'
import { invalidRequest, Problem } from './problem.ts'

const OTHER_NAMES_ALLOWED = ['/health/', '/v1/forward-auth/', '/assets/']

interface Origins {
  readonly issuer: string
  readonly mtlsOrigin?: string | undefined
}

export function host({ issuer, mtlsOrigin }: Origins): Middleware {
  const ofIssuer = hostsOf(issuer)
  const ofOther = mtlsOrigin === undefined ? [] : hostsOf(mtlsOrigin)
  return (ctx, next) => {
    if (countOf(ctx.req.rawHeaders, 'host') > 1)
      throw invalidRequest('The request has more than one Host header.')
    if (OTHER_NAMES_ALLOWED.some(start => ctx.path.startsWith(start))) return next()
    const asked = (ctx.req.headers.host ?? '').toLowerCase()
    if (ofIssuer.includes(asked)) return next()
    if (ofOther.includes(asked)) {
      if (mtlsOrigin !== undefined) ctx.state.askedAt = mtlsOrigin
      return next()
    }
    throw new Problem(
      421,
      'misdirected_request',
      `This server answers as ${issuer} only.`,
      `Host: ${asked.slice(0, 200)}`,
    )
  }
}

/** The default port may be written. */
function hostsOf(origin: string): string[] {
  const { host, port, protocol } = new URL(origin)
  return port === '' ? [host, `${host}:${protocol === 'https:' ? 443 : 80}`] : [host]
}

function countOf(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === name).length
}
