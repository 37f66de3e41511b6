import type { Generated } from 'kysely'

/**
 * What a revocation ends. `token` is the `jti` of one JWT access token, `credential` the id of a key or personal token,
 * `issuance` the id of a client: every token that it got for itself until `revoked_at`.
 */
export type RevocationKind = 'token' | 'grant' | 'session' | 'client' | 'account' | 'credential' | 'issuance'

export interface RevocationTables {
  revocation: {
    kind: RevocationKind
    id: string
    reason: string
    revoked_at: Generated<Date>
    /** When nothing that this ends could be alive any more; null: never forgotten. */
    expires_at: Date | null
  }
}
