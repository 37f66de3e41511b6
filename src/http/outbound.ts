/**
 * GROUND: the server's only way out. Whoever registers a client chooses the addresses that this server then asks
 * (`jwks_uri`, back-channel logout, metadata documents), and must not reach through it what only this server can reach.
 *
 * A name is resolved once, every address it has is judged, and the connection goes to one of those: a name that
 * resolves to something else a moment later changes nothing. Redirects are answers, never followed. Only https, except
 * where the operator has allowed the address. Whatever is wrong, the caller gets the same error; the log has the reason.
 */
import { type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Logger } from '../log.ts'
import { isInRanges, parseAddressRange } from './address-range.ts'
import { isPublicAddress, reachedAddress } from './public-address.ts'
import { type ResolveName, resolveName } from './resolve-name.ts'

/** The part of fetch's options that is looked at. */
export type OutboundInit = Pick<RequestInit, 'method' | 'headers' | 'body' | 'signal'>

/**
 * As fetch, without following redirects. The answer's body is complete.
 * @throws OutboundError for everything that is not an answer
 */
export type Outbound = (url: string | URL, init?: OutboundInit) => Promise<Response>

export class OutboundError extends Error {
  constructor() {
    super('The address could not be reached.')
    this.name = 'OutboundError'
  }
}

export interface OutboundOptions {
  /** OUTBOUND_ALLOW: addresses and ranges that may be reached beside public ones, and without TLS. */
  readonly allow: readonly string[]
  readonly log?: Logger
  readonly resolve?: ResolveName
  /** Milliseconds, from the name to the last byte of the answer. */
  readonly ms?: number
  /** The most bytes of an answer's body. */
  readonly bytes?: number
}

/** Answers without a body (RFC 9110); a `Response` insists. */
const WITHOUT_BODY = new Set([204, 205, 304])

export function createOutbound(options: OutboundOptions): Outbound {
  const { log, resolve = resolveName, ms = 5_000, bytes = 64 * 1024 } = options
  const allowed = options.allow.map(text => {
    const range = parseAddressRange(text)
    if (!range) throw new TypeError(`${text} is not an address or a CIDR range`)
    return range
  })

  const isAllowed = (address: string) =>
    isInRanges(allowed, address) || isInRanges(allowed, reachedAddress(address))

  /** The addresses to connect to. @throws Error unless every one of the host's may be reached this way */
  async function judge({ protocol, hostname, username, password }: URL, signal: AbortSignal) {
    if (protocol !== 'https:' && protocol !== 'http:') throw new Error(`${protocol} is not spoken`)
    if (username !== '' || password !== '') throw new Error('the URL has a user or a password')
    const host = withoutBrackets(hostname)
    const addresses = isIP(host) > 0 ? [host] : await resolve(host, signal)
    if (addresses.length === 0) throw new Error('the name has no address')
    for (const address of addresses) {
      if (isAllowed(address)) continue
      if (!isPublicAddress(address)) throw new Error(`${address} is not public and not in OUTBOUND_ALLOW`)
      if (protocol !== 'https:') throw new Error('http is for addresses in OUTBOUND_ALLOW')
    }
    return addresses
  }

  return async (input, init = {}) => {
    const limit = AbortSignal.timeout(ms)
    const signal = init.signal ? AbortSignal.any([limit, init.signal]) : limit
    let host = ''
    try {
      const url = new URL(input)
      host = url.host
      const addresses = await orAborted(judge(url, signal), signal)
      const answer = await send(url, addresses, init, signal)
      return await toResponse(answer, bytes)
    } catch (error) {
      log?.info({ err: error, host }, 'an address could not be reached')
      throw new OutboundError()
    }
  }
}

const withoutBrackets = (hostname: string) => hostname.replace(/^\[|\]$/g, '')

/** A look-up cannot always be stopped; it need not be waited for. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** In place of a second look-up of the name. */
function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map(address => ({ address, family: isIP(address) }))
  return (_name, { all: wantsAll }, callback) => {
    if (wantsAll) callback(null, all)
    else callback(null, all[0]?.address ?? '', all[0]?.family)
  }
}

async function send(
  url: URL,
  addresses: readonly string[],
  { method = 'GET', headers, body }: OutboundInit,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  // Gives a form its content type, and any body its bytes.
  const message = new Request(url, { method, ...(headers && { headers }), ...(body && { body }) })
  const bytes = Buffer.from(await message.arrayBuffer())
  const host = withoutBrackets(url.hostname)
  const ask = url.protocol === 'https:' ? overHttps : overHttp
  return new Promise((resolve, reject) => {
    const sent = ask({
      host,
      port: url.port,
      path: url.pathname + url.search,
      method,
      headers: { 'accept-encoding': 'identity', ...Object.fromEntries(message.headers) },
      // One connection for one request: none is left over that was judged earlier.
      agent: false,
      lookup: pinned(addresses),
      // Names only (RFC 6066, section 3), without the root's dot.
      ...(isIP(host) === 0 && { servername: host.replace(/\.$/, '') }),
      signal,
    })
    sent.on('response', resolve)
    sent.on('error', reject)
    sent.on('close', () => reject(new Error('the connection ended without an answer')))
    sent.end(bytes.length > 0 ? bytes : undefined)
  })
}

async function toResponse(answer: IncomingMessage, limit: number): Promise<Response> {
  const { statusCode: status = 0, headersDistinct } = answer
  try {
    if ((answer.headers['content-encoding'] ?? 'identity') !== 'identity')
      throw new Error('the answer is compressed')
    const chunks: Buffer[] = []
    let received = 0
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      received += chunk.length
      if (received > limit) throw new Error(`the answer is longer than ${limit} bytes`)
      chunks.push(chunk)
    }
    const headers = new Headers()
    for (const [name, values = []] of Object.entries(headersDistinct))
      for (const value of values) headers.append(name, value)
    return new Response(WITHOUT_BODY.has(status) ? null : Buffer.concat(chunks), { status, headers })
  } finally {
    answer.destroy()
  }
}
