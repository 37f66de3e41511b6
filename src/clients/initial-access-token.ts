/**
 * Initial access tokens (RFC 7591, section 1.2): whoever holds one may register clients, which can have at most the
 * scopes that the token names. They come from the declarative file, may be used any number of times until they expire,
 * and are stored as an HMAC. One is ended by an `expires_at` that has passed.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { hashCandidates, hashSecret, isNewestPepper, verifySecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'

export const MIN_INITIAL_ACCESS_TOKEN_LENGTH = 32

export interface DescribedInitialAccessToken {
  readonly name: string
  readonly token: string
  /** null: it does not expire. */
  readonly expiresAt: Date | null
  readonly ceiling: ReadonlyMap<string, ReadonlySet<string>>
}

export interface InitialAccessToken {
  readonly name: string
  /** Resource → scopes. */
  readonly ceiling: ReadonlyMap<string, ReadonlySet<string>>
}

/** Creates the token or makes it what is said here. @returns whether anything changed */
export async function upsertInitialAccessToken(
  tx: Tx,
  keyring: Keyring,
  described: DescribedInitialAccessToken,
): Promise<boolean> {
  const row = await upsertRow(tx, keyring, described)
  const ceiling = await replaceCeiling(tx, described)
  return row || ceiling
}

/** The token that is this text, while it is alive. */
export async function findInitialAccessToken(
  db: Db | Tx,
  keyring: Keyring,
  token: string,
): Promise<InitialAccessToken | undefined> {
  const row = await db
    .selectFrom('initial_access_token as t')
    .select([
      't.name',
      't.pepper_id',
      sql<Record<string, string[]> | null>`(
        SELECT jsonb_object_agg(resource, scopes) FROM (
          SELECT resource, jsonb_agg(scope ORDER BY scope) AS scopes FROM initial_access_token_scope
          WHERE token_name = t.name GROUP BY resource
        ) AS per_resource
      )`.as('ceiling'),
    ])
    .where('t.token_hash', 'in', hashCandidates(keyring, token))
    .where(sql<boolean>`(t.expires_at IS NULL OR t.expires_at > clock_timestamp())`)
    .orderBy('t.created_at')
    .limit(1)
    .executeTakeFirst()
  if (row && !isNewestPepper(keyring, row.pepper_id)) await rehash(db, keyring, row.name, token)
  return (
    row && {
      name: row.name,
      ceiling: new Map(
        Object.entries(row.ceiling ?? {}).map(([resource, scopes]) => [resource, new Set(scopes)]),
      ),
    }
  )
}

async function upsertRow(
  tx: Tx,
  keyring: Keyring,
  { name, token, expiresAt }: DescribedInitialAccessToken,
): Promise<boolean> {
  const { hash, pepperId } = hashSecret(keyring, token)
  const added = await tx
    .insertInto('initial_access_token')
    .values({ name, token_hash: hash, pepper_id: pepperId, expires_at: expiresAt })
    .onConflict(conflict => conflict.column('name').doNothing())
    .returning('name')
    .executeTakeFirst()
  if (added) return true
  const before = await tx
    .selectFrom('initial_access_token')
    .select(['token_hash', 'pepper_id', 'expires_at'])
    .where('name', '=', name)
    .executeTakeFirstOrThrow()
  const same = verifySecret(keyring, token, { hash: before.token_hash, pepperId: before.pepper_id })
  const isChanged = !same || before.expires_at?.getTime() !== expiresAt?.getTime()
  if (!isChanged && isNewestPepper(keyring, before.pepper_id)) return false
  await tx
    .updateTable('initial_access_token')
    .set({
      token_hash: hash,
      pepper_id: pepperId,
      expires_at: expiresAt,
      updated_at: sql<Date>`clock_timestamp()`,
    })
    .where('name', '=', name)
    .execute()
  return isChanged
}

async function replaceCeiling(tx: Tx, { name, ceiling }: DescribedInitialAccessToken): Promise<boolean> {
  const pairs = [...ceiling].flatMap(([resource, scopes]) => [...scopes].map(scope => ({ resource, scope })))
  const resources = pairs.map(({ resource }) => resource)
  const scopes = pairs.map(({ scope }) => scope)
  const removed = await sql`
    DELETE FROM initial_access_token_scope WHERE token_name = ${name}
      AND (resource, scope) NOT IN (SELECT * FROM unnest(${resources}::text[], ${scopes}::text[]))
    RETURNING scope
  `.execute(tx)
  const added = await sql`
    INSERT INTO initial_access_token_scope (token_name, resource, scope)
    SELECT ${name}, * FROM unnest(${resources}::text[], ${scopes}::text[])
    ON CONFLICT DO NOTHING RETURNING scope
  `.execute(tx)
  return removed.rows.length + added.rows.length > 0
}

/** Under the newest pepper from now on. */
async function rehash(db: Db | Tx, keyring: Keyring, name: string, token: string): Promise<void> {
  const { hash, pepperId } = hashSecret(keyring, token)
  await db
    .updateTable('initial_access_token')
    .set({ token_hash: hash, pepper_id: pepperId })
    .where('name', '=', name)
    .where('token_hash', 'in', hashCandidates(keyring, token))
    .execute()
}
