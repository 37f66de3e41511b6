/**
 * Who is at the other end. Forwarding headers are believed only from TRUSTED_PROXIES; from anyone else they are
 * removed before any other code can see them. Headers that tell of a client's certificate are removed from trusted proxies'
 * requests too, but for those of the one dialect that the operator has chosen (certificate-header.ts).
 * Koa's `ctx.ip` and `ctx.ips` are redefined from what is found here (issuer-request.ts).
 */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import type { Context, Middleware } from './context.ts'

export interface TrustedProxies {
  has(address: string): boolean
}

/** @param ranges addresses and CIDR ranges, v4 or v6; v4 ones also match v4-in-v6 addresses */
export function createTrustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList()
  for (const range of ranges) {
    const [text = '', bits] = range.split('/')
    const address = normalAddress(text)
    if (address === undefined) throw new TypeError(`${range} is not an address or a CIDR range`)
    const family = familyOf(address)
    const written = isIP(text) === 6 && family === 'ipv4' ? 96 : 0 // a v4-in-v6 range counts the 96 bits before
    const prefix = bits === undefined ? undefined : Number(bits) - written
    if (prefix === undefined) list.addAddress(address, family)
    else if (prefix >= 0) list.addSubnet(address, prefix, family)
    else list.addSubnet(text, Number(bits), 'ipv6')
  }
  return {
    has(address) {
      const normal = normalAddress(address)
      return normal !== undefined && list.check(normal, familyOf(normal))
    },
  }
}

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

const V4_IN_V6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const V4_IN_V6_HEX = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

/** One way to write an address: v4-in-v6 as v4, v6 compressed and lower case, no zone. undefined: not an address. */
export function normalAddress(text: string): string | undefined {
  const bare = text.split('%')[0] ?? ''
  if (isIP(bare) === 4) return bare
  if (isIP(bare) !== 6) return undefined
  const dotted = V4_IN_V6.exec(bare)?.[1]
  if (dotted !== undefined) return dotted
  const compressed = new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const [, high, low] = V4_IN_V6_HEX.exec(compressed) ?? []
  if (high === undefined || low === undefined) return compressed
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16)
  return [24, 16, 8, 0].map(shift => (bits >>> shift) & 0xff).join('.')
}

/**
 * The peer's address, or behind trusted proxies the right-most entry of X-Forwarded-For that is not one of them.
 * An entry that is no address ends the search: whoever wrote it, the proxy before it is all that is known.
 * A peer without an address (a unix socket, a connection that is gone) is never trusted, and is ''.
 */
export function clientAddress(
  req: Pick<IncomingMessage, 'headers' | 'socket'>,
  proxies: TrustedProxies,
): string {
  let known = normalAddress(req.socket.remoteAddress ?? '')
  if (known === undefined) return ''
  const header = req.headers['x-forwarded-for'] ?? ''
  const entries = (Array.isArray(header) ? header.join(',') : header).split(',')
  while (proxies.has(known)) {
    const next = forwardedAddress(entries.pop())
    if (next === undefined) break
    known = next
  }
  return known
}

/** `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1` or `[2001:db8::1]:80`: proxies write all of them. */
function forwardedAddress(entry: string | undefined): string | undefined {
  const text = (entry ?? '').trim()
  const unwrapped = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? /^([\d.]+):\d{1,5}$/.exec(text)
  return normalAddress(unwrapped?.[1] ?? text)
}

/** Every header in which a proxy tells of a client's certificate, in any of the ways that are known. */
const CERTIFICATE_NAMES = new Set([
  'x-arr-clientcert',
  'client-cert',
  'client-cert-chain',
  'ssl-cert',
  'x-forwarded-client-cert',
])
const CERTIFICATE_BEGINNINGS = [
  'x-forwarded-tls-client-cert',
  'x-client-cert',
  'x-ssl-',
  'x-tls-',
  'ssl-client-',
  'x-amzn-mtls-',
  'cf-client-cert-',
]

/** Every other header by which a proxy speaks about somebody else. Complete names, then beginnings. */
const FORWARDING_NAMES = new Set([
  'forwarded',
  'x-forwarded',
  'x-real-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'fastly-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'front-end-https',
])
const FORWARDING_BEGINNINGS = ['x-forwarded-', 'x-original-', 'x-rewrite-', 'x-client-']

/** Underscores count as hyphens, as they do for servers that turn headers into variables. */
const normalName = (name: string) => name.toLowerCase().replaceAll('_', '-')

export function isCertificateHeader(name: string): boolean {
  const normal = normalName(name)
  return CERTIFICATE_NAMES.has(normal) || CERTIFICATE_BEGINNINGS.some(start => normal.startsWith(start))
}

export function isForwardingHeader(name: string): boolean {
  const normal = normalName(name)
  return (
    FORWARDING_NAMES.has(normal) ||
    FORWARDING_BEGINNINGS.some(start => normal.startsWith(start)) ||
    isCertificateHeader(name)
  )
}

/** From everything that anybody reads. @param isMeant by the name as it was sent */
export function removeHeaders(req: IncomingMessage, isMeant: (name: string) => boolean): void {
  const pairs: string[] = []
  for (let at = 0; at + 1 < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at] ?? ''
    if (isMeant(name)) {
      delete req.headers[name.toLowerCase()]
      delete req.headersDistinct[name.toLowerCase()]
    } else pairs.push(name, req.rawHeaders[at + 1] ?? '')
  }
  if (pairs.length < req.rawHeaders.length) req.rawHeaders = pairs
}

const addresses = new WeakMap<IncomingMessage, string>()

/** The client address of a request that passed the middleware: the same for every Koa app that sees the request. */
export function knownClientAddress(req: IncomingMessage): string | undefined {
  return addresses.get(req)
}

/**
 * Must be the very first middleware: it cannot fail, and everything after it relies on it.
 * @param certificateHeaders in which trusted proxies tell of certificates, in lower case. They overwrite these; all others
 * could be the client's own, passed on
 */
export function forwarding(proxies: TrustedProxies, certificateHeaders: readonly string[] = []): Middleware {
  const isForged = (name: string) =>
    isCertificateHeader(name) && !certificateHeaders.includes(name.toLowerCase())
  return (ctx: Context, next) => {
    const { req } = ctx
    const address = clientAddress(req, proxies)
    const isProxy = proxies.has(req.socket.remoteAddress ?? '')
    removeHeaders(req, isProxy ? isForged : isForwardingHeader)
    addresses.set(req, address)
    ctx.state.clientAddress = address
    return next()
  }
}
