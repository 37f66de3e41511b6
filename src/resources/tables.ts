import type { Generated } from 'kysely'
import type { SigningAlg } from '../secrets/signing-alg.ts'

export type TokenFormat = 'jwt' | 'opaque'

export interface ResourceTables {
  resource: {
    /** The audience of its tokens. */
    identifier: string
    name: string
    organization_id: string | null
    token_format: Generated<TokenFormat>
    token_signing_alg: Generated<SigningAlg>
    /** Seconds. */
    access_token_lifetime: Generated<number>
    /** Of those it had before; the tokens of then may still be alive. */
    longest_access_token_lifetime: Generated<number>
    env: string | null
    /** Kinds that are taken together only; empty: one credential is enough (resource-layers.ts). */
    layers: Generated<string[]>
    /** Addresses and CIDR ranges; null: anywhere. */
    allowed_addresses: string[] | null
    /** Our own API (own-resource.ts): one row at most. */
    built_in: Generated<boolean>
    created_at: Generated<Date>
    updated_at: Generated<Date>
  }
  resource_scope: {
    resource: string
    name: string
    description: string
    /** An account needs a role for it. */
    restricted: Generated<boolean>
    /** Clients that registered themselves may ask people for it. */
    self_registered: Generated<boolean>
  }
  role_scope: {
    role: string
    resource: string
    scope: string
  }
}
