/**
 * Who is at the other end. Forwarding headers are believed only from TRUSTED_PROXIES; from anyone else they are
 * removed before any other code can see them, and so are headers that carry a client's certificate.
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

/** Every header by which a proxy speaks about somebody else. Complete names, then beginnings. */
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
  'x-arr-clientcert',
  'front-end-https',
  'client-cert',
  'client-cert-chain',
  'ssl-cert',
])
const FORWARDING_BEGINNINGS = [
  'x-forwarded-',
  'x-original-',
  'x-rewrite-',
  'x-ssl-',
  'x-tls-',
  'x-client-',
  'ssl-client-',
  'x-amzn-mtls-',
  'cf-client-cert-',
]

/** Underscores count as hyphens, as they do for servers that turn headers into variables. */
export function isForwardingHeader(name: string): boolean {
  const normal = name.toLowerCase().replaceAll('_', '-')
  return FORWARDING_NAMES.has(normal) || FORWARDING_BEGINNINGS.some(start => normal.startsWith(start))
}

function removeForwardingHeaders(req: IncomingMessage): void {
  const pairs: string[] = []
  for (let at = 0; at + 1 < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at] ?? ''
    if (isForwardingHeader(name)) {
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

/** Must be the very first middleware: it cannot fail, and everything after it relies on it. */
export function forwarding(proxies: TrustedProxies): Middleware {
  return (ctx: Context, next) => {
    const { req } = ctx
    const address = clientAddress(req, proxies)
    if (!proxies.has(req.socket.remoteAddress ?? '')) removeForwardingHeaders(req)
    addresses.set(req, address)
    ctx.state.clientAddress = address
    return next()
  }
}
