import type { Generated } from 'kysely'

export interface SignInTables {
  sign_in_throttle: {
    /** HMAC of what is counted: an account name or a source address. */
    key: Buffer
    /** When: the last 15 minutes, and older ones until the next try. */
    tries: Date[]
    /** 15 minutes after the last one: then the row counts nothing. */
    expires_at: Date
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
    pepper_id: string | null
    created_by: string
    created_at: Generated<Date>
    expires_at: Date
    used_at: Date | null
  }
}
