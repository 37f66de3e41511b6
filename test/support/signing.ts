// Signed requests for tests: a signer that shares no code with the server, and signing secrets made with the product's own
// functions.
import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createAudit } from '../../src/audit/audit.ts'
import { createClientDirectory } from '../../src/clients/client-directory.ts'
import { loadConfig } from '../../src/config.ts'
import {
  createClientCredentials,
  type NewClientCredential,
} from '../../src/credentials/client-credential-life-cycle.ts'
import { createSigningSecrets, type SigningSecrets } from '../../src/credentials/signing-secrets.ts'
import { createLog } from '../../src/log.ts'
import { createResourceDirectory } from '../../src/resources/resource-directory.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import { allKnow, type MintingApp, SYSTEM } from './minted.ts'
import { ORDERS } from './orders.ts'

export type Headers = Record<string, string>

/** What somebody signs with. */
export type Signer = { readonly id: string } & (
  | { readonly secret: string }
  | { readonly privateKey: KeyObject }
)

export interface Signed {
  readonly method?: string
  readonly url: string
  readonly body?: string | undefined
  /** More fields of the request: those that are named in `components` are signed. */
  readonly headers?: Headers
}

export interface Wishes {
  readonly components?: readonly string[]
  /** Unix seconds. */
  readonly created?: number
  /** As they stand in Signature-Input, instead of the usual ones. */
  readonly parameters?: string
  readonly nonce?: string
}

export const nowInSeconds = () => Math.floor(Date.now() / 1000)

const sha256 = (text: string) => createHash('sha256').update(text)

export const contentDigest = (body: string) => `sha-256=:${sha256(body).digest('base64')}:`

/** RFC 9421, in the strict profile unless the wishes are others. */
export function signMessage(signer: Signer, request: Signed, wishes: Wishes = {}): Headers {
  const { method = 'GET', url, body, headers = {} } = request
  const { host, pathname, search } = new URL(url)
  const digest: Headers = body === undefined ? {} : { 'content-digest': contentDigest(body) }
  const fields: Headers = { ...digest, ...headers }
  const { created = nowInSeconds(), nonce = randomUUID() } = wishes
  const usual = ['@method', '@authority', '@path', '@query', ...Object.keys(digest)]
  const { components = usual, parameters = `;created=${created};nonce="${nonce}";keyid="${signer.id}"` } =
    wishes
  const derived: Headers = {
    '@method': method,
    '@authority': host,
    '@path': pathname,
    '@query': search || '?',
  }
  const input = `(${components.map(name => `"${name}"`).join(' ')})${parameters}`
  const lines = components.map(name => `"${name}": ${derived[name] ?? fields[name] ?? ''}`)
  const base = [...lines, `"@signature-params": ${input}`].join('\n')
  const signature =
    'secret' in signer
      ? createHmac('sha256', signer.secret).update(base).digest()
      : sign(null, Buffer.from(base), signer.privateKey)
  return {
    ...fields,
    'signature-input': `sig=${input}`,
    signature: `sig=:${signature.toString('base64')}:`,
  }
}

/** The simple profile. */
export function signSimply(
  { id, secret }: { readonly id: string; readonly secret: string },
  { method = 'GET', url, body = '', headers = {} }: Signed,
  { created = nowInSeconds(), nonce = randomUUID() }: Wishes = {},
): Headers {
  const { host, pathname, search } = new URL(url)
  const hash = sha256(body).digest('hex')
  const text = ['v1', method, host, `${pathname}${search}`, String(created), nonce, hash].join('\n')
  return {
    ...headers,
    'x-api-key': id,
    'x-timestamp': String(created),
    ...(nonce !== '' && { 'x-nonce': nonce }),
    'x-signature': createHmac('sha256', secret).update(text).digest('hex'),
  }
}

/** Nothing is kept in memory here. */
const untrusted = { subscribe: () => () => undefined, isFresh: () => false }

export function clientCredentialsOf({ db, keyring, config = loadConfig({}) }: MintingApp) {
  const changeLog = {
    ...untrusted,
    catchUp: () => allKnow({ db }),
  } as unknown as Parameters<typeof createRevocations>[0]['changeLog']
  const deps = {
    ...{ config, db, keyring, changeLog },
    audit: createAudit({ db, log: createLog('silent') }),
    revocations: createRevocations({ db, changeLog }),
    clients: createClientDirectory({ db, changeLog }),
    resources: createResourceDirectory({ db, changeLog }),
  }
  return { deps, clientCredentials: createClientCredentials(deps) }
}

export function signingSecretsOf(app: MintingApp): SigningSecrets {
  const { deps, clientCredentials } = clientCredentialsOf(app)
  return createSigningSecrets({ ...deps, clientCredentials })
}

type Fields = Partial<Omit<NewClientCredential, 'kind'>>

const fieldsWith = (fields: Fields) => ({
  owner: { type: 'client' as const, id: 'billing' },
  name: 'nightly',
  scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
  ...fields,
})

/** One with a secret. */
export async function makeSigningSecret(app: MintingApp, fields: Fields = {}) {
  const { credential, secret = '' } = await signingSecretsOf(app).create(SYSTEM, fieldsWith(fields), {
    algorithm: 'hmac-sha256',
  })
  return { id: credential.id, secret }
}

/** One with an Ed25519 key. */
export async function makeSigningKey(app: MintingApp, fields: Fields = {}) {
  const { privateKey, x } = newKeyPair()
  const { credential } = await signingSecretsOf(app).create(SYSTEM, fieldsWith(fields), {
    algorithm: 'ed25519',
    x,
  })
  return { id: credential.id, privateKey, x }
}

export function newKeyPair() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { privateKey, publicKey, x }
}
