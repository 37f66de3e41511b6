/**
 * ROOM: keys. The keys that sign tokens: made here, kept sealed, listed for the JWKS and for signing. It owns
 * `signing_key`; who signs what is the oidc room's. There is one current key per algorithm; the next one and previous ones
 * are published beside it and sign nothing. When one follows another: rotate-signing-keys.ts. What a node keeps of them in
 * memory: signing-key-set.ts. Nodes that start together agree on the same keys: unique indexes let one of them win.
 */
import type { JWK } from 'jose'
import { type Selectable, sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { isNewestSeal, seal, unseal } from '../secrets/seal.ts'
import { SIGNING_ALGS, type SigningAlg } from '../secrets/signing-alg.ts'
import { type MadeSigningKey, makeSigningKey } from './make-signing-key.ts'
import type { KeyTables, SigningKeyState } from './tables.ts'

export type { SigningKeyState } from './tables.ts'

/** The change log's row type: the set of signing keys is another. */
export const SIGNING_KEY_CHANGE = 'signing-key'

/** Of a key that is in the JWKS. */
export type PublishedState = Exclude<SigningKeyState, 'retired'>

export interface SigningKey extends MadeSigningKey {
  readonly state: PublishedState
}

export type SigningKeyRow = Selectable<KeyTables['signing_key']> & { readonly state: PublishedState }

/** Those that are made ahead; a previous one has been current. */
type NewState = 'current' | 'next'

/**
 * Makes a current key of each algorithm that has none, and one to follow it; seals anew what an older master secret has
 * sealed. Safe when several nodes start at once.
 * @throws Error when a key was sealed with a master secret that is not there any more.
 */
export async function ensureSigningKeys(db: Db, keyring: Keyring): Promise<void> {
  await createMissingKeys(db, keyring, ['current', 'next'])
  const rows = await selectSigningKeys(db)
  const lacking = SIGNING_ALGS.find(alg => !rows.some(key => key.alg === alg && key.state === 'current'))
  if (lacking) throw new Error(`There is no current signing key for ${lacking}.`)
  for (const row of rows) await sealAnew(db, keyring, row)
}

/** With the newest master secret, so that an older one can go. Nobody needs to be told: it is the same key. */
async function sealAnew(db: Db, keyring: Keyring, { kid, sealed_private_jwk: sealed }: SigningKeyRow) {
  const privateJwk = await unseal<JWK>(keyring, sealed)
  if (isNewestSeal(keyring, sealed)) return
  await db
    .updateTable('signing_key')
    .set({ sealed_private_jwk: await seal(keyring, privateJwk) })
    .where('kid', '=', kid)
    .where('sealed_private_jwk', '=', sealed)
    .execute()
}

/** Makes a key of each algorithm and state that has none, unless another node was first. */
export async function createMissingKeys(
  db: Db,
  keyring: Keyring,
  states: readonly NewState[] = ['next'],
): Promise<void> {
  const present = new Set((await selectSigningKeys(db)).map(({ alg, state }) => `${state} ${alg}`))
  const missing = states.flatMap(state =>
    SIGNING_ALGS.filter(alg => !present.has(`${state} ${alg}`)).map(alg => ({ alg, state })),
  )
  if (missing.length === 0) return
  const keys = await Promise.all(
    missing.map(async ({ alg, state }) => ({ state, made: await makeSealedKey(keyring, alg) })),
  )
  await transaction(db, async tx => {
    for (const { made, state } of keys) await addSigningKey(tx, made, state)
  })
}

/**
 * All keys but retired ones: the current ones first, in the order of SIGNING_ALGS, then the others, newest first. Who needs a key for an
 * algorithm takes the first: that is its current one.
 */
export async function listSigningKeys(db: Db, keyring: Keyring): Promise<SigningKey[]> {
  return openSigningKeys(keyring, await selectSigningKeys(db))
}

/** Public keys that are published no more: only for ID tokens that come back as a hint, which may be as old as a session. */
export async function listRetiredKeys(db: Db): Promise<JWK[]> {
  const rows = await db
    .selectFrom('signing_key')
    .select('public_jwk')
    .where('state', '=', 'retired')
    .where('alg', 'in', SIGNING_ALGS)
    .orderBy('kid')
    .execute()
  return rows.map(({ public_jwk: jwk }) => jwk)
}

/** The rows, in that order, without those of an algorithm that this version does not know: a newer one may run beside it. */
export function selectSigningKeys(db: Db | Tx): Promise<SigningKeyRow[]> {
  return db
    .selectFrom('signing_key')
    .selectAll()
    .where('alg', 'in', SIGNING_ALGS)
    .where('state', '<>', 'retired')
    .$narrowType<{ state: PublishedState }>()
    .orderBy(({ eb }) => eb('state', '=', 'current'), 'desc')
    .orderBy(sql`CASE WHEN state = 'current' THEN array_position(${[...SIGNING_ALGS]}::text[], alg) END`)
    .orderBy('created_at', 'desc')
    .orderBy('kid')
    .execute()
}

/** @throws Error when a master secret is not there any more */
export function openSigningKeys(keyring: Keyring, rows: readonly SigningKeyRow[]): Promise<SigningKey[]> {
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

/** A key that is stored nowhere yet: made and sealed outside of transactions, because that takes its time. */
export interface SealedSigningKey extends Pick<MadeSigningKey, 'kid' | 'alg' | 'publicJwk'> {
  readonly sealedPrivateJwk: string
}

export async function makeSealedKey(keyring: Keyring, alg: SigningAlg): Promise<SealedSigningKey> {
  const { kid, publicJwk, privateJwk } = await makeSigningKey(alg)
  return { kid, alg, publicJwk, sealedPrivateJwk: await seal(keyring, privateJwk) }
}

/** @returns false when there is one in this state already */
export async function addSigningKey(
  tx: Tx,
  { kid, alg, publicJwk, sealedPrivateJwk }: SealedSigningKey,
  state: NewState,
): Promise<boolean> {
  const created = await tx
    .insertInto('signing_key')
    .values({
      kid,
      alg,
      state,
      public_jwk: JSON.stringify(publicJwk),
      sealed_private_jwk: sealedPrivateJwk,
      activated_at: state === 'current' ? sql<Date>`clock_timestamp()` : null,
    })
    .onConflict(conflict => conflict.doNothing())
    .returning('kid')
    .executeTakeFirst()
  if (created) await appendChange(tx, SIGNING_KEY_CHANGE, { kid })
  return created !== undefined
}
