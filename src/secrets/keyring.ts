/**
 * GROUND: secrets. Keys derived from the master secrets, hashing with pepper, sealing at rest, constant-time compare and
 * random tokens. It stores nothing and knows no room. Master secrets never leave this file: every use gets its own key,
 * so that what one of them reveals says nothing about another.
 */
import { createHash, hkdfSync } from 'node:crypto'

export type Purpose =
  | 'pepper'
  | 'seal'
  | 'cookie'
  | 'csrf'
  | 'dpop-nonce'
  | 'refresh'
  | 'demo-client'
  | 'revocation-plan'

export interface DerivedKey {
  /** Short public name of the master secret, the same for every purpose. Safe to store and to log. */
  readonly id: string
  /** 32 bytes. */
  readonly key: Buffer
}

export interface Keyring {
  /** One key per master secret, newest first: make with the first, accept with any. */
  derive(purpose: Purpose): readonly DerivedKey[]
}

const hkdf = (secret: Buffer, label: string) =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `latchkey/${label}`, 32))

const idOf = (secret: Buffer) =>
  createHash('sha256').update(hkdf(secret, 'id')).digest('base64url').slice(0, 8)

/**
 * HKDF-SHA-256 (RFC 5869) with the purpose as label. Keys are derived once per purpose.
 * @param secrets the master secrets, 32 bytes each, newest first
 */
export function createKeyring(secrets: readonly Buffer[]): Keyring {
  if (secrets.length === 0) throw new Error('A keyring needs at least one master secret.')
  if (secrets.some(secret => secret.length < 32)) throw new Error('A master secret has at least 32 bytes.')
  const masters = secrets.map(secret => ({ id: idOf(secret), secret: Buffer.from(secret) }))
  const derived = new Map<Purpose, readonly DerivedKey[]>()
  return {
    derive(purpose) {
      const known = derived.get(purpose)
      if (known) return known
      // "use/" keeps a purpose from ever meeting the label of the id.
      const keys = masters.map(({ id, secret }) => ({ id, key: hkdf(secret, `use/${purpose}`) }))
      derived.set(purpose, keys)
      return keys
    },
  }
}
