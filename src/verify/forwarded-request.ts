/**
 * The request that a proxy asks about, in each proxy's own words (docs/forward-auth.md). Only the
 * headers of that dialect are read: what a client made up in the words of another one means nothing. Anything that is
 * missing, there twice or readable in two ways is refused.
 */
import { invalidRequest } from '../http/problem.ts'

/** How a proxy says what it was asked for, and what it can answer when we refuse. */
export type DialectName = 'nginx' | 'traefik' | 'caddy' | 'envoy'

interface Dialect {
  /** Names of headers; absent: it is the request's own method, target and host. */
  readonly headers?: { readonly method: string; readonly host: string; readonly target: string }
}

const FORWARDED = { method: 'X-Forwarded-Method', host: 'X-Forwarded-Host', target: 'X-Forwarded-Uri' }
const ORIGINAL = { method: 'X-Original-Method', host: 'X-Original-Host', target: 'X-Original-URI' }

const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  nginx: { headers: ORIGINAL },
  traefik: { headers: FORWARDED },
  caddy: { headers: FORWARDED },
  envoy: {},
}

export const isDialect = (name: string): name is DialectName => Object.hasOwn(DIALECTS, name)

export interface OriginalRequest {
  readonly method: string
  /** Scheme, host, and port unless it is the scheme's own. */
  readonly origin: string
  /** In lower case, with the port unless it is the scheme's own. */
  readonly host: string
  /** As it was sent, without the query. */
  readonly path: string
  /** Absolute, path and query as they were sent. */
  readonly url: string
}

/** What of the proxy's own request says what the original one was. */
export interface ProxyRequest {
  readonly method: string
  /** What follows our own path. */
  readonly rest: string
  /** Every value of a header. */
  all(name: string): readonly string[]
}

/** RFC 9110, section 5.6.2. */
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}$/
const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/
/** Visible ASCII without fragment and backslash, as http/request-target.ts has it. */
const TARGET = /^\/[\x21-\x7e]*$/

/**
 * @param usualScheme for a proxy that does not say `X-Forwarded-Proto`: the issuer's
 * @throws Problem 400
 */
export function readOriginalRequest(
  name: DialectName,
  request: ProxyRequest,
  usualScheme: string,
): OriginalRequest {
  const { headers } = DIALECTS[name]
  const method = headers ? one(request, headers.method) : request.method
  const host = one(request, headers?.host ?? 'Host')
  const target = headers ? one(request, headers.target) : request.rest
  if (!METHOD.test(method)) throw malformed(headers?.method ?? 'method')
  const origin = originOf(schemeOf(request, usualScheme), host.toLowerCase())
  if (!origin) throw malformed(headers?.host ?? 'Host')
  const [path = ''] = target.split('?')
  if (!TARGET.test(target) || /[#\\]/.test(target) || !isPlainPath(path))
    throw malformed(headers?.target ?? 'address')
  return { method, origin: origin.origin, host: origin.host, path, url: `${origin.origin}${target}` }
}

function one(request: ProxyRequest, name: string): string {
  const [value, second] = request.all(name)
  if (value === undefined) throw invalidRequest(`The proxy has to send ${name}.`)
  if (second !== undefined) throw invalidRequest(`${name} is there more than once.`)
  return value
}

const malformed = (what: string) => invalidRequest(`The ${what} of the original request is malformed.`)

const SCHEMES: Readonly<Record<string, string>> = { http: 'http', https: 'https', ws: 'http', wss: 'https' }

function schemeOf(request: ProxyRequest, usual: string): string {
  if (request.all('X-Forwarded-Proto').length === 0) return usual
  const said = one(request, 'X-Forwarded-Proto').toLowerCase()
  const scheme = Object.hasOwn(SCHEMES, said) ? SCHEMES[said] : undefined
  if (scheme === undefined) throw malformed('X-Forwarded-Proto')
  return scheme
}

/** Undefined for a host that a URL parser would write in another way: nobody would mean the same by it. */
function originOf(scheme: string, host: string): URL | undefined {
  const url = HOST.test(host) ? URL.parse(`${scheme}://${host}`) : null
  const own = host.replace(scheme === 'https' ? /:443$/ : /:80$/, '')
  return url?.host === own ? url : undefined
}

/** Dot segments are resolved by some and not by others, and what is no UTF-8 is read by everybody in his own way. */
function isPlainPath(path: string): boolean {
  try {
    const decoded = decodeURIComponent(path)
    return !decoded.includes('\0') && !/(?:^|[/\\])\.\.?(?:[/\\]|$)/.test(decoded)
  } catch {
    return false
  }
}
