import type { Generated, JSONColumnType } from 'kysely'
import type { RevocationKind } from '../revocation/tables.ts'

type Payload = JSONColumnType<Record<string, unknown>>

/** What oidc-provider stores. Ids are kept as HMAC only; `sealed_payload` is a JWE (dir, A256GCM). */
export interface OidcTables {
  session: {
    uid: string
    id_hash: Buffer
    /** Of `id_hash`; null: from before peppers were recorded. */
    pepper_id: string | null
    /** Of the ids it had before, newest first. */
    retired_hashes: Generated<Buffer[]>
    account_id: string | null
    sealed_payload: string
    user_agent: string | null
    address: string | null
    created_at: Generated<Date>
    signed_in_at: Date | null
    last_seen_at: Generated<Date>
    expires_at: Date
    ended_at: Date | null
  }
  /** Who took part in a session; goes with its row. */
  session_client: {
    session_uid: string
    client_id: string
  }
  interaction: {
    id_hash: Buffer
    sealed_payload: string
    created_at: Generated<Date>
    expires_at: Date
  }
  pushed_authorization_request: {
    id_hash: Buffer
    sealed_payload: string
    created_at: Generated<Date>
    expires_at: Date
    consumed_at: Date | null
  }
  authorization_grant: {
    id: string
    account_id: string
    client_id: string
    session_uid: string | null
    /** Granted `offline_access`: outlives the browser session. */
    offline: Generated<boolean>
    payload: Payload
    created_at: Generated<Date>
    expires_at: Date
    ended_at: Date | null
  }
  authorization_code: {
    id_hash: Buffer
    /** Of `id_hash`; null: from before peppers were recorded. */
    pepper_id: string | null
    grant_id: string
    client_id: string
    account_id: string
    payload: Payload
    created_at: Generated<Date>
    expires_at: Date
    consumed_at: Date | null
    /** Of the access tokens that came of it: list and index in one number (keys/status-reference.ts). */
    status_indexes: string[] | null
    /** When the last of those tokens expires. */
    status_until: Date | null
  }
  device_code: {
    /** Public: where its page is. Opens nothing without the session that has entered the user code. */
    id: string
    id_hash: Buffer
    /** Of `id_hash`; null: from before peppers were recorded. */
    pepper_id: string | null
    user_code_hash: Buffer
    client_id: string
    payload: Payload
    /** Of the device that asks. */
    user_agent: string | null
    address: string | null
    created_at: Generated<Date>
    expires_at: Date
    /** Seconds that the device must leave between two polls. */
    poll_interval: number
    polled_at: Date | null
    /** Of the last poll. */
    polled_too_soon: Generated<boolean>
    /** Of the browser that has entered the user code: nobody else decides. */
    session_uid: string | null
    decided_at: Date | null
    /** Both: allowed. Neither, but decided: denied. */
    account_id: string | null
    grant_id: string | null
    consumed_at: Date | null
    /** Of the access tokens that came of it: list and index in one number (keys/status-reference.ts). */
    status_indexes: string[] | null
    /** When the last of those tokens expires. */
    status_until: Date | null
  }
  refresh_token: {
    id_hash: Buffer
    predecessor_hash: Buffer | null
    /** The master secret its successor is derived with. */
    key_id: string
    grant_id: string
    client_id: string
    account_id: string
    payload: Payload
    created_at: Generated<Date>
    expires_at: Date
    consumed_at: Date | null
    successor_used: Generated<boolean>
    /** Of the access tokens that came of it: list and index in one number (keys/status-reference.ts). */
    status_indexes: string[] | null
  }
  /** Opaque access tokens; JWT access tokens are not stored. */
  access_token: {
    id_hash: Buffer
    /** Of `id_hash`; null: from before peppers were recorded. */
    pepper_id: string | null
    kind: 'AccessToken' | 'ClientCredentials'
    grant_id: string | null
    client_id: string
    account_id: string | null
    payload: Payload
    created_at: Generated<Date>
    expires_at: Date
  }
  /** What a JWT came of by exchange (RFC 8693): its end revokes the token in a status list. */
  token_source: {
    /** List and index in one number (keys/status-reference.ts). */
    status: string
    kind: RevocationKind
    id: string
    /** Of what ends by its time of issue. */
    issued_at: Date | null
    expires_at: Date
  }
  /** What an account has allowed a client; `resource` is '' for the OpenID Connect scopes. */
  consent: {
    account_id: string
    client_id: string
    resource: string
    scopes: string[]
    created_at: Generated<Date>
    updated_at: Generated<Date>
  }
}
