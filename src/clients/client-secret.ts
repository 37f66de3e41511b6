/**
 * Client secrets. Stored: HMAC-SHA-256 under a pepper (they are long and random; argon2id is for people's passwords) and
 * the last four characters. A client has several, so that one can be replaced without a pause. What ends one: its expiry,
 * its revocation, or its successor in the declarative file.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import { hashCandidates, hashSecret, verifySecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { randomToken } from '../secrets/token.ts'
import { type Client, type ClientSecret, changed } from './client.ts'

export const MIN_CLIENT_SECRET_LENGTH = 32

/**
 * Whether `secret` is one of the client's, decided in the same time wherever it stands in the list.
 * @param now the caller's clock: the client may have been read a while ago
 */
export function verifyClientSecret(
  keyring: Keyring,
  client: Pick<Client, 'secrets'>,
  secret: string,
  now: Date,
): boolean {
  return matchClientSecret(keyring, client, secret, now) !== undefined
}

/** Which of the client's it is; undefined: none that is alive. */
export function matchClientSecret(
  keyring: Keyring,
  client: Pick<Client, 'secrets'>,
  secret: string,
  now: Date,
): ClientSecret | undefined {
  let found: ClientSecret | undefined
  for (const stored of client.secrets) {
    const matches = verifySecret(keyring, secret, stored)
    const alive = stored.expiresAt === null || stored.expiresAt > now
    if (matches && alive) found ??= stored
  }
  return found
}

/** Adds a secret made here. Its value is in the answer and nowhere else; the other secrets stay. */
export async function createClientSecret(
  tx: Tx,
  keyring: Keyring,
  { clientId, expiresAt = null }: { clientId: string; expiresAt?: Date | null },
): Promise<{ id: string; secret: string; last4: string }> {
  const secret = randomToken()
  const id = await insert(tx, keyring, { clientId, secret, origin: 'generated', expiresAt })
  await changed(tx, clientId)
  return { id, secret, last4: secret.slice(-4) }
}

/** A secret that somebody has found, without the name of its client. */
export interface KnownSecret {
  readonly id: string
  readonly clientId: string
  readonly clientName: string
  /** Neither expired nor revoked. */
  readonly alive: boolean
}

/** The secrets that this text is: one of each client that has it, ended ones too. */
export async function findSecrets(db: Db, keyring: Keyring, secret: string): Promise<KnownSecret[]> {
  const rows = await db
    .selectFrom('client_secret')
    .innerJoin('client', 'client.client_id', 'client_secret.client_id')
    .select(['client_secret.id', 'client.client_id', 'client.client_name'])
    .select(
      sql<boolean>`client_secret.revoked_at IS NULL
        AND (client_secret.expires_at IS NULL OR client_secret.expires_at > clock_timestamp())`.as('alive'),
    )
    .where('client_secret.hash', 'in', hashCandidates(keyring, secret))
    .execute()
  return rows.map(({ id, client_id: clientId, client_name: clientName, alive }) => {
    return { id, clientId, clientName, alive }
  })
}

/** It became known to others. @returns whether that is new */
export async function markLeaked(tx: Tx, id: string): Promise<boolean> {
  const row = await tx
    .updateTable('client_secret')
    .set({ leaked_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('leaked_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** @returns its client's id and its last characters; undefined when it had ended */
export async function endSecret(
  tx: Tx,
  id: string,
): Promise<{ readonly clientId: string; readonly last4: string } | undefined> {
  const row = await tx
    .updateTable('client_secret')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning(['client_id', 'last4'])
    .executeTakeFirst()
  if (row) await changed(tx, row.client_id)
  return row && { clientId: row.client_id, last4: row.last4 }
}

/**
 * Makes `secret` the file's own secret of this client: another one that came from the file ends, generated ones stay. One
 * that was revoked because others know it does not come back: the client is without it until the file has another.
 * @returns whether anything changed. The caller writes the client's change-log row then.
 */
export async function replaceFileSecret(
  tx: Tx,
  keyring: Keyring,
  { clientId, secret }: { clientId: string; secret: string },
): Promise<boolean> {
  const current = await tx
    .selectFrom('client_secret')
    .select(['id', 'hash', 'pepper_id'])
    .where('client_id', '=', clientId)
    .where('origin', '=', 'file')
    .where('revoked_at', 'is', null)
    .execute()
  const same = (row: { hash: Buffer; pepper_id: string }) =>
    verifySecret(keyring, secret, { hash: row.hash, pepperId: row.pepper_id })
  const kept = current.find(same)
  const ended = current.filter(row => row !== kept).map(row => row.id)
  if (ended.length > 0)
    await tx
      .updateTable('client_secret')
      .set({ revoked_at: sql<Date>`clock_timestamp()` })
      .where('id', 'in', ended)
      .execute()
  const isNew = !kept && !(await isRevokedAsLeaked(tx, keyring, clientId, secret))
  if (isNew) await insert(tx, keyring, { clientId, secret, origin: 'file', expiresAt: null })
  return isNew || ended.length > 0
}

async function isRevokedAsLeaked(
  tx: Tx,
  keyring: Keyring,
  clientId: string,
  secret: string,
): Promise<boolean> {
  const row = await tx
    .selectFrom('client_secret')
    .select('id')
    .where('client_id', '=', clientId)
    .where('hash', 'in', hashCandidates(keyring, secret))
    .where('leaked_at', 'is not', null)
    .where('revoked_at', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}

/** For a client that authenticates without one from now on. @returns whether there was one */
export async function endSecrets(tx: Tx, clientId: string): Promise<boolean> {
  const rows = await tx
    .updateTable('client_secret')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where('client_id', '=', clientId)
    .where('revoked_at', 'is', null)
    .returning('id')
    .execute()
  return rows.length > 0
}

interface NewSecret {
  readonly clientId: string
  readonly secret: string
  readonly origin: 'file' | 'generated'
  readonly expiresAt: Date | null
}

async function insert(tx: Tx, keyring: Keyring, { clientId, secret, origin, expiresAt }: NewSecret) {
  if (secret.length < MIN_CLIENT_SECRET_LENGTH)
    throw new Error(`A client secret needs at least ${MIN_CLIENT_SECRET_LENGTH} characters`)
  const { hash, pepperId } = hashSecret(keyring, secret)
  const id = newId()
  await tx
    .insertInto('client_secret')
    .values({
      id,
      client_id: clientId,
      hash,
      pepper_id: pepperId,
      last4: secret.slice(-4),
      origin,
      expires_at: expiresAt,
      revoked_at: null,
    })
    .execute()
  return id
}
