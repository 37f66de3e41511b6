/**
 * ROOM: keys. The keys that sign tokens: made here, kept sealed, listed for the JWKS and for signing. It owns
 * `signing_key`; who signs what is the oidc room's. There is one current key per algorithm; those that are next or
 * previous are published beside it and sign nothing. Nodes that start together agree on the same keys: a unique index lets
 * one of them win.
 */
import type { JWK } from 'jose'
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { seal, unseal } from '../secrets/seal.ts'
import { SIGNING_ALGS } from '../secrets/signing-alg.ts'
import { type MadeSigningKey, makeSigningKey } from './make-signing-key.ts'
import type { SigningKeyState } from './tables.ts'

export type { SigningKeyState } from './tables.ts'

/** The change log's row type: the set of signing keys is another. */
export const SIGNING_KEY_CHANGE = 'signing-key'

export interface SigningKey extends MadeSigningKey {
  readonly state: SigningKeyState
}

/**
 * Makes a current key of each algorithm that has none. Safe when several nodes start at once.
 * @throws Error when a current key was sealed with a master secret that is not there any more.
 */
export async function ensureSigningKeys(db: Db, keyring: Keyring): Promise<void> {
  const present = new Set((await listCurrent(db)).map(({ alg }) => alg))
  const missing = SIGNING_ALGS.filter(alg => !present.has(alg))
  if (missing.length > 0) await createCurrent(db, keyring, await Promise.all(missing.map(makeSigningKey)))
  const current = await listCurrent(db)
  const lacking = SIGNING_ALGS.find(alg => !current.some(key => key.alg === alg))
  if (lacking) throw new Error(`There is no current signing key for ${lacking}.`)
  await Promise.all(current.map(key => unseal<JWK>(keyring, key.sealed_private_jwk)))
}

/**
 * All keys: the current ones first, in the order of SIGNING_ALGS, then the others, newest first. Who needs a key for an
 * algorithm takes the first: that is its current one.
 */
export async function listSigningKeys(db: Db, keyring: Keyring): Promise<SigningKey[]> {
  const rows = await selectKnown(db)
    .orderBy(({ eb }) => eb('state', '=', 'current'), 'desc')
    .orderBy(sql`CASE WHEN state = 'current' THEN array_position(${[...SIGNING_ALGS]}::text[], alg) END`)
    .orderBy('created_at', 'desc')
    .orderBy('kid')
    .execute()
  return Promise.all(
    rows.map(async row => ({
      kid: row.kid,
      alg: row.alg,
      state: row.state,
      publicJwk: row.public_jwk,
      privateJwk: await unseal<JWK>(keyring, row.sealed_private_jwk),
    })),
  )
}

/** Without those of an algorithm that this version does not know: a newer one may run beside it. */
const selectKnown = (db: Db) => db.selectFrom('signing_key').selectAll().where('alg', 'in', SIGNING_ALGS)

const listCurrent = (db: Db) => selectKnown(db).where('state', '=', 'current').execute()

async function createCurrent(db: Db, keyring: Keyring, keys: readonly MadeSigningKey[]): Promise<void> {
  const rows = await Promise.all(
    keys.map(async ({ kid, alg, publicJwk, privateJwk }) => ({
      kid,
      alg,
      state: 'current' as const,
      public_jwk: JSON.stringify(publicJwk),
      sealed_private_jwk: await seal(keyring, privateJwk),
    })),
  )
  await transaction(db, async tx => {
    const created = await tx
      .insertInto('signing_key')
      .values(rows)
      .onConflict(conflict => conflict.doNothing()) // another node was first
      .returning('kid')
      .execute()
    for (const { kid } of created) await appendChange(tx, SIGNING_KEY_CHANGE, { kid })
  })
}
