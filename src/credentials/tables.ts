import type { Generated, JSONColumnType } from 'kysely'

/** A secret beside the current one, as it is kept in jsonb. */
export interface StoredSecret {
  /** hex */
  readonly hash: string
  readonly hashed_with: string
  readonly last4: string
}

/** Made by a rotation and not used yet. */
export interface PendingSecret extends StoredSecret {
  readonly since: string
  /** How long the old one still works once this one was used. */
  readonly grace_seconds: number
}

/** Replaced by a rotation. */
export interface RetiredSecret extends StoredSecret {
  /** It works until then; after that its use is reported. */
  readonly until: string
}

/** How the secret of a token became known to others. */
export interface SeenLeak {
  readonly at: string
  /** The last four characters of the token that was seen: a rotation makes it another one. */
  readonly last4: string
  readonly how: 'reported' | 'plain_http'
  /** Where whoever reported it has seen it, in their words. */
  readonly where?: string
}

export interface CredentialTables {
  /** API keys (with `client_id`) and personal access tokens (with `account_id`). */
  minted_token: {
    created_at: Generated<Date>
    not_before: Date | null
    expires_at: Date | null
    quarantined_at: Date | null
    revoked_at: Date | null
    rate_limit_requests: number | null
    rate_limit_seconds: number | null
    account_id: string | null
    id: string
    client_id: string | null
    /** '' for a token of another system. */
    prefix: string
    env: string
    last4: string
    secret_hash: Buffer
    /** The id of the pepper (HMAC-SHA-256), or `sha256`: as another system hashed it. */
    hashed_with: string
    name: string
    description: string | null
    /** Scope names by resource identifier. */
    scopes: JSONColumnType<Record<string, string[]>>
    /** CIDR ranges; null: anywhere. */
    allowed_addresses: string[] | null
    cnf: JSONColumnType<Record<string, string>> | null
    pending: JSONColumnType<PendingSecret> | null
    /** Newest first, the last few. */
    retired: JSONColumnType<RetiredSecret[]> | null
    /** The last one. */
    leak: JSONColumnType<SeenLeak> | null
  }
  /** What a client proves itself with beside its keys: signing secrets, client certificates. */
  client_credential: {
    created_at: Generated<Date>
    not_before: Date | null
    expires_at: Date | null
    quarantined_at: Date | null
    revoked_at: Date | null
    rate_limit_requests: number | null
    rate_limit_seconds: number | null
    id: string
    kind: string
    client_id: string
    env: string
    name: string
    description: string | null
    /** Scope names by resource identifier. */
    scopes: JSONColumnType<Record<string, string[]>>
    /** CIDR ranges; null: anywhere. */
    allowed_addresses: string[] | null
    /** What its kind verifies with. */
    material: JSONColumnType<Record<string, unknown>>
    /** What it is found by when its id is not known. */
    handles: Generated<string[]>
  }
  credential_usage: {
    hour: Date
    /** bigint: a string in JavaScript. */
    count: string
    credential_id: string
    outcome: 'success' | 'refused'
  }
  credential_last_use: {
    used_at: Date
    credential_id: string
    address: string | null
    user_agent: string | null
  }
  rate_limit_count: {
    slice: string
    count: string
    expires_at: Date
    credential_id: string
  }
  /** What was shown once and must not come again. */
  replay: {
    id_hash: Buffer
    expires_at: Date
  }
}
