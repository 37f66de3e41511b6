/**
 * What a signing secret verifies with, as its row keeps it (`material`): the key that counts, perhaps one that a rotation
 * made and nobody has used yet, and those that rotations replaced. Of a secret the sealed text is kept, since it must be
 * read again; of an Ed25519 key only the public half exists here.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { Keyring } from '../secrets/keyring.ts'
import { seal, unseal } from '../secrets/seal.ts'
import type { ClientCredential, ClientCredentialRow } from './client-credential.ts'
import {
  ed25519Key,
  hmacKey,
  isSignedBy,
  type SignatureAlgorithm,
  type SignatureKey,
} from './signature-key.ts'

/** One key. */
export interface StoredKey {
  /** Tells the keys of a row apart, and nothing else. */
  readonly id: string
  /** A sealed secret, with the last four characters of it. */
  readonly sealed?: string
  readonly last4?: string
  /** Or a public key: `x` of its JWK (RFC 8037). */
  readonly x?: string
}

export interface PendingKey extends StoredKey {
  readonly since: string
  /** How long the old one still works once this one was used. */
  readonly grace_seconds: number
}

export interface RetiredKey extends StoredKey {
  /** It works until then; after that its use is reported. */
  readonly until: string
}

export interface SigningMaterial {
  readonly algorithm: SignatureAlgorithm
  readonly current: StoredKey
  readonly pending: PendingKey | null
  /** Newest first, the last few. */
  readonly retired: readonly RetiredKey[]
}

export const signingMaterial = ({
  material,
}: Pick<ClientCredentialRow | ClientCredential, 'material'>): SigningMaterial =>
  material as unknown as SigningMaterial

/** What is given to make a key of: nothing for a secret, since that is made here. */
export type NewKey =
  | { readonly algorithm: 'hmac-sha256' }
  | { readonly algorithm: 'ed25519'; readonly x: string }

/** @returns the key as it is stored, and a secret for the only time */
export async function makeKey(
  keyring: Keyring,
  asked: NewKey,
): Promise<{ stored: StoredKey; secret?: string }> {
  const id = randomBytes(6).toString('base64url')
  if (asked.algorithm === 'ed25519') return { stored: { id, x: asked.x } }
  const secret = randomBytes(32).toString('base64url')
  return { stored: { id, sealed: await seal(keyring, secret), last4: secret.slice(-4) }, secret }
}

export type MatchedKey =
  | { readonly which: 'current' }
  | { readonly which: 'pending'; readonly pending: PendingKey }
  | { readonly which: 'retired'; readonly retired: RetiredKey }

/** Opened keys, in memory only and for as long as their row is. */
const opened = new WeakMap<StoredKey, SignatureKey>()

/** Undefined when it was sealed with a master secret that is not there any more. */
async function open(keyring: Keyring, stored: StoredKey): Promise<SignatureKey | undefined> {
  const known = opened.get(stored)
  if (known) return known
  let key: SignatureKey
  try {
    key =
      stored.x === undefined
        ? hmacKey(await unseal<string>(keyring, stored.sealed ?? ''))
        : ed25519Key(stored.x)
  } catch {
    // Of no use: the others of the row may be, and to the caller it is a wrong signature.
    return undefined
  }
  opened.set(stored, key)
  return key
}

/** Which of the keys has signed it. */
export async function findSigner(
  keyring: Keyring,
  { current, pending, retired }: SigningMaterial,
  message: string,
  signature: Buffer,
): Promise<MatchedKey | undefined> {
  const hasSigned = async (stored: StoredKey) => {
    const key = await open(keyring, stored)
    return key !== undefined && isSignedBy(key, message, signature)
  }
  if (await hasSigned(current)) return { which: 'current' }
  if (pending && (await hasSigned(pending))) return { which: 'pending', pending }
  for (const old of retired) if (await hasSigned(old)) return { which: 'retired', retired: old }
  return undefined
}

const NOBODYS_SECRET = hmacKey(randomBytes(32).toString('base64url'))
const NOBODYS_KEY: SignatureKey = { algorithm: 'ed25519', key: generateKeyPairSync('ed25519').publicKey }

/** The same work as for a key that exists, so that a made-up id cannot be timed. */
export function findNoSigner(message: string, signature: Buffer): void {
  isSignedBy(signature.length === 64 ? NOBODYS_KEY : NOBODYS_SECRET, message, signature)
}
