// The public endpoints of a Latchkey that does what a test says: metadata, keys, status lists, tokens, /v1/verify. It counts
// what it is asked, and it can be down. The real one is in app.ts; this one is for what the real one does not do.
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { deflateSync } from 'node:zlib'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface IssuerKey {
  readonly kid: string
  readonly alg: string
  readonly jwk: JWK
  readonly privateKey: CryptoKey
  sign(typ: string, claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export async function issuerKey(alg = 'ES256', kid: string = randomUUID()): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    kid,
    alg,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (typ, claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg, kid, typ, ...header })
        .sign(privateKey, { crit: { unheard_of: true } }),
  }
}

export interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body: unknown
}

export type Respond = (asked: { body: Record<string, unknown>; request: IncomingMessage }) => Answer

export interface Issuer {
  readonly issuer: string
  /** How often each path was asked for. */
  readonly asked: Map<string, number>
  /** What is at a path; replaceable. */
  readonly at: Map<string, Answer | Respond>
  publish(keys: readonly IssuerKey[], headers?: Record<string, string>): void
  /** A list with these indexes set, signed now. @param now milliseconds */
  putList(key: IssuerKey, set: readonly number[], claims?: Record<string, unknown>): Promise<string>
  /** Every connection is cut until `up`. */
  down(): void
  up(): void
  close(): Promise<void>
}

export async function startIssuer(now: () => number = Date.now): Promise<Issuer> {
  const asked = new Map<string, number>()
  const at = new Map<string, Answer | Respond>()
  let isDown = false
  // Nobody's connection ends while a test is at something else.
  const server = createServer({ keepAliveTimeout: 0 }, async (request, response) => {
    const path = request.url ?? ''
    asked.set(path, (asked.get(path) ?? 0) + 1)
    const sent = await text(request)
    if (isDown) {
      response.destroy()
      return
    }
    const found = at.get(path)
    const isJson = request.headers['content-type'] === 'application/json'
    const body = isJson ? JSON.parse(sent) : Object.fromEntries(new URLSearchParams(sent))
    const answer = typeof found === 'function' ? found({ body, request }) : found
    const { status = answer ? 200 : 404, headers = {}, body: given = {} } = answer ?? {}
    const isUnchanged = headers.etag !== undefined && request.headers['if-none-match'] === headers.etag
    response.writeHead(isUnchanged ? 304 : status, headers)
    response.end(isUnchanged ? '' : typeof given === 'string' ? given : JSON.stringify(given))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  at.set('/.well-known/oauth-authorization-server', {
    body: { issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` },
  })
  return {
    issuer,
    asked,
    at,
    publish(keys, headers = {}) {
      at.set('/jwks', { headers, body: { keys: keys.map(({ jwk }) => jwk) } })
    },
    async putList(key, set, { path = '/status-lists/one', size = 1000, ...claims } = {}) {
      const bytes = Buffer.alloc(Math.ceil(Number(size) / 8))
      for (const idx of set) bytes[idx >> 3] = (bytes[idx >> 3] ?? 0) | (1 << (idx & 7))
      const uri = `${issuer}${path}`
      const iat = Math.floor(now() / 1000)
      const status_list = { bits: 1, lst: deflateSync(bytes).toString('base64url') }
      const list = { sub: uri, iat, exp: iat + 300, ttl: 60, status_list, ...claims }
      const headers = { 'content-type': 'application/statuslist+jwt' }
      at.set(String(path), { headers, body: await key.sign('statuslist+jwt', list) })
      return uri
    },
    down() {
      isDown = true
    },
    up() {
      isDown = false
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

export const API = 'https://api.example.com'

/** Of a token that is good. */
export function claimsFor(issuer: string, now: number): Record<string, unknown> {
  const iat = Math.floor(now / 1000)
  return {
    iss: issuer,
    sub: 'billing',
    client_id: 'billing',
    aud: API,
    jti: randomUUID(),
    iat,
    exp: iat + 900,
    scope: 'read:orders write:orders',
  }
}
