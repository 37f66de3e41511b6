import type { Generated } from 'kysely'

export interface SignInTables {
  sign_in_throttle: {
    /** HMAC of what is counted: an account name or a source address. */
    key: Buffer
    attempts: number
    window_started_at: Generated<Date>
    last_attempt_at: Generated<Date>
  }
  known_device: {
    id_hash: Buffer
    account_id: string
    created_at: Generated<Date>
    last_seen_at: Generated<Date>
    expires_at: Date
  }
  invitation: {
    token_hash: Buffer
    created_by: string
    created_at: Generated<Date>
    expires_at: Date
    used_at: Date | null
  }
}
