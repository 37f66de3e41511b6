// Signing keys in states that take the server a while, and the while itself.
import { sql } from 'kysely'
import type { Db } from '../../src/db/connect.ts'
import { type MadeSigningKey, makeSigningKey } from '../../src/keys/make-signing-key.ts'
import type { SigningKeyState } from '../../src/keys/tables.ts'
import type { Keyring } from '../../src/secrets/keyring.ts'
import { seal } from '../../src/secrets/seal.ts'
import type { SigningAlg } from '../../src/secrets/signing-alg.ts'

/** Newer than those stored before. Nobody is told: see SIGNING_KEY_CHANGE. @param madeFor what it really is */
export async function storeSigningKey(
  db: Db,
  keyring: Keyring,
  { alg, state }: { alg: SigningAlg; state: SigningKeyState },
  madeFor: SigningAlg = alg,
): Promise<MadeSigningKey> {
  const key = await makeSigningKey(madeFor)
  const { kid, publicJwk, privateJwk } = key
  const sealed = await seal(keyring, privateJwk)
  await db
    .insertInto('signing_key')
    .values({ kid, alg, state, public_jwk: JSON.stringify(publicJwk), sealed_private_jwk: sealed })
    .execute()
  return key
}

/** From now on everything about the keys happened this much longer ago. Nobody is told. */
export async function keysGrowOlder(db: Db, seconds: number): Promise<void> {
  const earlier = (column: string) => sql<Date>`${sql.ref(column)} - make_interval(secs => ${seconds})`
  await db
    .updateTable('signing_key')
    .set({
      created_at: earlier('created_at'),
      activated_at: earlier('activated_at'),
      rotate_requested_at: earlier('rotate_requested_at'),
      retired_at: earlier('retired_at'),
      expires_at: earlier('expires_at'),
    })
    .execute()
}
