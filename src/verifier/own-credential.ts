/**
 * How this API proves to Latchkey that it may ask about others: as a client whose `introspect` lists the resource, with a
 * token by client credentials (the scope `verify` comes with that), or with an API key that has the scope.
 */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { PublishedKeys } from './published-keys.ts'
import { type Fetch, jsonOf, reach } from './reach.ts'
import { Unavailable } from './refusal.ts'

export type Credentials =
  | { readonly clientId: string; readonly clientSecret: string }
  /** `private_key_jwt` (RFC 7523). `kid`: as in the client's JWKS. */
  | { readonly clientId: string; readonly privateKey: KeyObject | string; readonly kid?: string }
  | { readonly apiKey: string }

export interface OwnCredential {
  /** The headers that prove it. @param refused those that were not good any more @throws Unavailable */
  headers(refused?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>>
}

export interface OwnCredentialOptions {
  readonly issuer: string
  readonly credentials: Credentials
  readonly keys: PublishedKeys
  readonly fetch: Fetch
  readonly now: () => number
}

interface Token {
  readonly headers: Readonly<Record<string, string>>
  readonly until: number
}

/** It is renewed this long before it expires. */
const MARGIN_MS = 30_000
const ASSERTION_SECONDS = 60

export function ownCredential(options: OwnCredentialOptions): OwnCredential {
  const { issuer, credentials, keys, fetch, now } = options
  if ('apiKey' in credentials) {
    const headers = { 'x-api-key': credentials.apiKey }
    return { headers: async () => headers }
  }
  const authenticate =
    'clientSecret' in credentials
      ? async () => ({ headers: basic(credentials.clientId, credentials.clientSecret), fields: {} })
      : assertions(credentials, issuer)
  let token: Promise<Token> | undefined

  async function load(): Promise<Token> {
    const url = await keys.tokenEndpoint()
    const { headers, fields } = await authenticate()
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      resource: `${issuer}/v1`,
      scope: 'verify',
      ...fields,
    })
    const answer = jsonOf(url, await reach(fetch, url, { method: 'POST', headers, body }))
    const { access_token, expires_in } = answer
    if (typeof access_token !== 'string' || typeof expires_in !== 'number')
      throw new Unavailable(`${url} gives no token`)
    const lasts = Math.max(expires_in * 1000 - MARGIN_MS, expires_in * 500)
    return { headers: { authorization: `Bearer ${access_token}` }, until: now() + lasts }
  }

  return {
    async headers(refused) {
      // Callers at the same time share one request; a failure is not kept.
      const seen = token
      const known = await seen?.catch(() => undefined)
      if (known && known.headers !== refused && now() < known.until) return known.headers
      if (token === seen) token = load()
      return (await (token ?? load())).headers
    },
  }
}

/** RFC 6749, section 2.3.1: both are form-encoded first. */
function basic(clientId: string, secret: string): Record<string, string> {
  const encode = (text: string) => new URLSearchParams({ text }).toString().slice('text='.length)
  const pair = Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')
  return { authorization: `Basic ${pair}` }
}

/** RFC 7523, section 3; a new one for each request. */
function assertions(
  { clientId, privateKey, kid }: Extract<Credentials, { privateKey: unknown }>,
  issuer: string,
) {
  const key = typeof privateKey === 'string' ? createPrivateKey(privateKey) : privateKey
  const alg = algorithmFor(key)
  return async () => {
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${ASSERTION_SECONDS}s`)
      .sign(key)
    const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    return { headers: {}, fields: { client_assertion_type, client_assertion: assertion } }
  }
}

function algorithmFor({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'rsa') return 'RS256'
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  throw new TypeError('The private key has to be of P-256, Ed25519 or RSA')
}
