/**
 * How high-entropy secrets (tokens, codes, session ids, client secrets) are stored: HMAC-SHA-256 under a pepper that is
 * not in the database. People's passwords are not hashed here: they need argon2id (sign-in/password.ts).
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { equal } from './compare.ts'
import type { DerivedKey, Keyring } from './keyring.ts'

export interface HashedSecret {
  readonly hash: Buffer
  /** Which pepper: the id of the master secret. */
  readonly pepperId: string
}

/** A ready key makes an HMAC six times cheaper than its bytes do. */
const ready = new WeakMap<DerivedKey, KeyObject>()

function hmac(pepper: DerivedKey, secret: string): Buffer {
  let key = ready.get(pepper)
  if (!key) {
    key = createSecretKey(pepper.key)
    ready.set(pepper, key)
  }
  return createHmac('sha256', key).update(secret).digest()
}

/** Under the newest pepper: what is stored. */
export function hashSecret(keyring: Keyring, secret: string): HashedSecret {
  const pepper = newest(keyring)
  return { hash: hmac(pepper, secret), pepperId: pepper.id }
}

/** Under every pepper, newest first: for look-ups (`id_hash = ANY(…)`). */
export function hashCandidates(keyring: Keyring, secret: string): Buffer[] {
  return keyring.derive('pepper').map(pepper => hmac(pepper, secret))
}

/** Under the pepper of this id; undefined when it is no longer among the master secrets. */
export function hashUnder(keyring: Keyring, secret: string, pepperId: string): Buffer | undefined {
  const pepper = keyring.derive('pepper').find(({ id }) => id === pepperId)
  return pepper && hmac(pepper, secret)
}

/** Whether what is stored under this pepper is stored as it would be now. */
export function isNewestPepper(keyring: Keyring, pepperId: string): boolean {
  return newest(keyring).id === pepperId
}

/** Constant time. False also when the pepper is no longer among the master secrets. */
export function verifySecret(keyring: Keyring, secret: string, stored: HashedSecret): boolean {
  const pepper = keyring.derive('pepper').find(({ id }) => id === stored.pepperId)
  // The same work for a retired pepper, so that its age cannot be timed.
  const matches = equal(hmac(pepper ?? newest(keyring), secret), stored.hash)
  return pepper !== undefined && matches
}

function newest(keyring: Keyring): DerivedKey {
  const [pepper] = keyring.derive('pepper')
  if (!pepper) throw new Error('The keyring is empty.')
  return pepper
}
