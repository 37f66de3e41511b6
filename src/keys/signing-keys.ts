/**
 * ROOM: keys. The keys that sign tokens: made here, kept sealed, listed for the JWKS and for signing. It owns
 * `signing_key`; who signs what is the oidc room's. Nodes that start together agree on one key: a unique index lets one
 * of them win.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { appendChange } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { seal, unseal } from '../secrets/seal.ts'
import type { SigningKeyState } from './tables.ts'

export type { SigningKeyState } from './tables.ts'

/** The change log's row type: the set of signing keys is another. */
export const SIGNING_KEY_CHANGE = 'signing-key'

export interface SigningKey {
  /** The JWK thumbprint (RFC 7638, SHA-256). */
  readonly kid: string
  readonly alg: 'ES256'
  readonly state: SigningKeyState
  /** With kid, alg and use. */
  readonly publicJwk: JWK
  readonly privateJwk: JWK
}

/**
 * Makes a current ES256 key if there is none. Safe when several nodes start at once.
 * @throws Error when the current key was sealed with a master secret that is not there any more.
 */
export async function ensureSigningKeys(db: Db, keyring: Keyring): Promise<void> {
  if (!(await findCurrent(db))) await createSigningKey(db, keyring)
  const current = await findCurrent(db)
  if (!current) throw new Error('There is no current signing key.')
  await unseal<JWK>(keyring, current.sealed_private_jwk)
}

/** All keys, the current one first, then the newest. */
export async function listSigningKeys(db: Db, keyring: Keyring): Promise<SigningKey[]> {
  const rows = await db
    .selectFrom('signing_key')
    .selectAll()
    .orderBy(({ eb }) => eb('state', '=', 'current'), 'desc')
    .orderBy('created_at', 'desc')
    .execute()
  return Promise.all(
    rows.map(async row => ({
      kid: row.kid,
      alg: 'ES256' as const,
      state: row.state,
      publicJwk: row.public_jwk,
      privateJwk: await unseal<JWK>(keyring, row.sealed_private_jwk),
    })),
  )
}

function findCurrent(db: Db) {
  return db
    .selectFrom('signing_key')
    .select('sealed_private_jwk')
    .where('alg', '=', 'ES256')
    .where('state', '=', 'current')
    .executeTakeFirst()
}

async function createSigningKey(db: Db, keyring: Keyring): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const bare = await exportJWK(publicKey)
  const named = { kid: await calculateJwkThumbprint(bare), alg: 'ES256', use: 'sig' }
  const publicJwk: JWK = { ...bare, ...named }
  const privateJwk: JWK = { ...(await exportJWK(privateKey)), ...named }
  const sealed = await seal(keyring, privateJwk)
  await transaction(db, async tx => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('signing_key')
      .values({
        kid: named.kid,
        alg: named.alg,
        state: 'current',
        public_jwk: JSON.stringify(publicJwk),
        sealed_private_jwk: sealed,
      })
      .onConflict(conflict => conflict.doNothing()) // another node was first
      .executeTakeFirstOrThrow()
    if (numInsertedOrUpdatedRows) await appendChange(tx, SIGNING_KEY_CHANGE, { kid: named.kid })
  })
}
