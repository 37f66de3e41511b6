import type { JWK } from 'jose'
import type { Generated, JSONColumnType } from 'kysely'
import type { SigningAlg } from '../secrets/signing-alg.ts'

/** A retired key is published no more; its public half is kept for ID tokens that come back as a hint. */
export type SigningKeyState = 'next' | 'current' | 'previous' | 'retired'

export interface KeyTables {
  signing_key: {
    kid: string
    alg: SigningAlg
    state: SigningKeyState
    public_jwk: JSONColumnType<JWK>
    /** JWE (dir, A256GCM) of the private JWK; empty for a retired one. */
    sealed_private_jwk: string
    /** When it was published. */
    created_at: Generated<Date>
    /** When it began to sign; null for one that has not. */
    activated_at: Date | null
    /** Somebody wants another one in its place, as soon as there is one that has been published for long enough. */
    rotate_requested_at: Date | null
    /** When it ceased to sign. */
    retired_at: Date | null
    /** Of a previous one: when nothing that it signed can be alive any more. Of a retired one: when it goes. */
    expires_at: Date | null
  }
  /** A list of one bit for each of up to a million tokens: status-lists.ts. */
  status_list: {
    id: number
    /** Indexes below this one are in blocks. */
    used: Generated<number>
    created_at: Generated<Date>
    /** When the last token with an index of it has expired. */
    expires_at: Date
  }
  /** Indexes of a list that one node gives to tokens. */
  status_block: {
    list_id: number
    first: number
    size: number
    /** Whose tokens of client credentials they are for; null: for tokens of grants, recorded where those come from. */
    client_id: string | null
    usable_until: Date
    expires_at: Date
  }
}
