/**
 * The secrets of one minted token: the current one, perhaps one that a rotation made and nobody has used yet, and those
 * that rotations replaced. Stored: HMAC-SHA-256 of the whole token under a pepper, or, for a token that came from another
 * system and was not used here yet, its SHA-256 (`hashed_with` says which).
 */
import { hash, timingSafeEqual } from 'node:crypto'
import { hashCandidates, hashSecret, hashUnder } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { mintedIdFrom } from '../secrets/minted-format.ts'
import type { MintedRow } from './minted-token.ts'
import type { PendingSecret, RetiredSecret, StoredSecret } from './tables.ts'

export const IMPORTED = 'sha256'

export type MatchedSecret =
  | { readonly which: 'current' }
  | { readonly which: 'pending'; readonly pending: PendingSecret }
  | { readonly which: 'retired'; readonly retired: RetiredSecret }

export type StoredSecrets = Pick<MintedRow, 'secret_hash' | 'hashed_with' | 'pending' | 'retired'>

const NO_HASH = Buffer.alloc(32)

/**
 * SHA-256 of the token that was the current one of a row when it was last looked at, in memory only and for as long as the
 * row is: a tenth of the work of an HMAC. A token has 256 random bits, so its digest says nothing about it.
 */
const seen = new WeakMap<StoredSecrets, Buffer>()
const CURRENT = { which: 'current' } as const

/** Which of its secrets the token is. Every comparison takes constant time. */
export function matchSecret(keyring: Keyring, token: string, row: StoredSecrets): MatchedSecret | undefined {
  const digest = hash('sha256', token, 'buffer')
  const last = seen.get(row)
  if (last && timingSafeEqual(last, digest)) return CURRENT
  const matched = findMatch(keyring, token, row)
  if (matched === CURRENT) seen.set(row, digest)
  return matched
}

function findMatch(keyring: Keyring, token: string, row: StoredSecrets): MatchedSecret | undefined {
  const hashes = new Map<string, Buffer | undefined>()
  const isOne = (stored: Buffer, hashedWith: string) => {
    if (!hashes.has(hashedWith)) hashes.set(hashedWith, hashOf(keyring, token, hashedWith))
    const own = hashes.get(hashedWith)
    return timingSafeEqual(own ?? NO_HASH, stored.length === 32 ? stored : NO_HASH) && own !== undefined
  }
  const isStored = (stored: StoredSecret) => isOne(Buffer.from(stored.hash, 'hex'), stored.hashed_with)

  if (isOne(row.secret_hash, row.hashed_with)) return CURRENT
  if (row.pending && isStored(row.pending)) return { which: 'pending', pending: row.pending }
  const retired = row.retired?.find(isStored)
  return retired && { which: 'retired', retired }
}

/** The same work as for a token that exists, so that a made-up id cannot be timed. */
export function matchNothing(keyring: Keyring, token: string): void {
  timingSafeEqual(hashSecret(keyring, token).hash, NO_HASH)
}

/** Undefined when the pepper is no longer among the master secrets. */
function hashOf(keyring: Keyring, token: string, hashedWith: string): Buffer | undefined {
  return hashedWith === IMPORTED ? hash('sha256', token, 'buffer') : hashUnder(keyring, token, hashedWith)
}

export function storedSecret(keyring: Keyring, token: string): StoredSecret {
  const { hash: stored, pepperId } = hashSecret(keyring, token)
  return { hash: stored.toString('hex'), hashed_with: pepperId, last4: token.slice(-4) }
}

/**
 * Tokens of other systems carry no id of ours. Theirs follows from their SHA-256, under a pepper, because an id is public:
 * newest pepper first. An imported row has the first of these at the time of its import.
 */
export function idsOfImported(keyring: Keyring, sha256: Buffer): string[] {
  return hashCandidates(keyring, `imported/${sha256.toString('hex')}`).map(mintedIdFrom)
}
