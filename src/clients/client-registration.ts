/**
 * That a client registered itself, and the token it is managed with (RFC 7592, section 1.2). The token is stored as an
 * HMAC, ends with the client, and opens nothing but the client's own registration.
 */
import type { Db, Tx } from '../db/connect.ts'
import { hashSecret, isNewestPepper, verifySecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { randomToken } from '../secrets/token.ts'

export interface NewRegistration {
  readonly clientId: string
  /** The name of the one it was registered with; null: with none. */
  readonly initialAccessToken: string | null
  /** Where it was registered from, when it was registered without a token. */
  readonly sourceHash: Buffer | null
}

export interface Registration {
  readonly registeredAt: Date
  /** Without an initial access token. */
  readonly open: boolean
}

/** @returns the token: it is in this answer and nowhere else */
export async function createRegistration(
  tx: Tx,
  keyring: Keyring,
  { clientId, initialAccessToken, sourceHash }: NewRegistration,
): Promise<Registration & { readonly token: string }> {
  const token = randomToken()
  const { hash, pepperId } = hashSecret(keyring, token)
  const { created_at: registeredAt } = await tx
    .insertInto('client_registration')
    .values({
      client_id: clientId,
      token_hash: hash,
      pepper_id: pepperId,
      initial_access_token: initialAccessToken,
      source_hash: sourceHash,
    })
    .returning('created_at')
    .executeTakeFirstOrThrow()
  return { token, registeredAt, open: sourceHash !== null }
}

/**
 * The registration of this client, when `token` is its own, which then moves to the newest pepper. The same time is spent on a client that is
 * not there.
 */
export async function findRegistration(
  db: Db | Tx,
  keyring: Keyring,
  clientId: string,
  token: string,
): Promise<Registration | undefined> {
  const row = await db
    .selectFrom('client_registration')
    .select(['token_hash', 'pepper_id', 'source_hash', 'created_at'])
    .where('client_id', '=', clientId)
    .executeTakeFirst()
  const stored = { hash: row?.token_hash ?? Buffer.alloc(32), pepperId: row?.pepper_id ?? '' }
  const matches = verifySecret(keyring, token, stored)
  if (!row || !matches) return undefined
  if (!isNewestPepper(keyring, row.pepper_id)) await rehash(db, keyring, clientId, token)
  return { registeredAt: row.created_at, open: row.source_hash !== null }
}

async function rehash(db: Db | Tx, keyring: Keyring, clientId: string, token: string): Promise<void> {
  const { hash, pepperId } = hashSecret(keyring, token)
  await db
    .updateTable('client_registration')
    .set({ token_hash: hash, pepper_id: pepperId })
    .where('client_id', '=', clientId)
    .execute()
}
