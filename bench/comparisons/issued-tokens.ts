/** Tokens of an issuer that publishes its keys and a status list: what an offline verifier lives on. */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateSync } from 'node:zlib'
import { SignJWT } from 'jose'

export const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

export const AUDIENCE = 'https://api.example.com'
export const TOKENS = 2000
const LIST_BYTES = 1_000_000 / 8

export interface IssuedTokens {
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly tokens: readonly string[]
  /** Of each: what was signed, the signature as the JWT has it, and as `crypto.verify` takes it by default. */
  readonly signatures: readonly { signed: Buffer; signature: Buffer; der: Buffer }[]
  close(): Promise<void>
}

const PAIRS: Record<Algorithm, () => { publicKey: KeyObject; privateKey: KeyObject }> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
}

export async function issueTokens(alg: Algorithm): Promise<IssuedTokens> {
  const { publicKey, privateKey } = PAIRS[alg]()
  const kid = randomUUID()
  const documents = new Map<string, string>()
  const server = createServer((request, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=600' }).end(documents.get(request.url ?? '') ?? '{}')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const uri = `${issuer}/status-lists/one`
  const lst = deflateSync(Buffer.alloc(LIST_BYTES)).toString('base64url')
  const list = await new SignJWT({ status_list: { bits: 1, lst }, ttl: 3600 })
    .setProtectedHeader({ alg, kid, typ: 'statuslist+jwt' })
    .setSubject(uri)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  const metadata = { issuer, jwks_uri: `${issuer}/jwks`, token_endpoint: `${issuer}/token` }
  documents.set('/.well-known/oauth-authorization-server', JSON.stringify(metadata))
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  documents.set('/jwks', JSON.stringify({ keys: [jwk] }))
  documents.set('/status-lists/one', list)

  const tokens: string[] = []
  for (let idx = 0; idx < TOKENS; idx++)
    tokens.push(
      await new SignJWT({ client_id: 'billing', scope: 'read:orders', status: { status_list: { idx, uri } } })
        .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
        .setIssuer(issuer)
        .setSubject('billing')
        .setAudience(AUDIENCE)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    )
  const signatures = tokens.map(token => {
    const at = token.lastIndexOf('.')
    const signed = Buffer.from(token.slice(0, at))
    const signature = Buffer.from(token.slice(at + 1), 'base64url')
    return { signed, signature, der: alg === 'ES256' ? sign('sha256', signed, privateKey) : signature }
  })
  return {
    issuer,
    publicKey,
    tokens,
    signatures,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
