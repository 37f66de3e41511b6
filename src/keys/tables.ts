import type { JWK } from 'jose'
import type { Generated, JSONColumnType } from 'kysely'
import type { SigningAlg } from '../secrets/signing-alg.ts'

export type SigningKeyState = 'next' | 'current' | 'previous'

export interface KeyTables {
  signing_key: {
    kid: string
    alg: SigningAlg
    state: SigningKeyState
    public_jwk: JSONColumnType<JWK>
    /** JWE (dir, A256GCM) of the private JWK. */
    sealed_private_jwk: string
    created_at: Generated<Date>
  }
}
