// A signing key in a state that the server itself does not bring about yet.
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
