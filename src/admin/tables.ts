import type { Generated } from 'kysely'

export interface AdminTables {
  admin_link: {
    token_hash: Buffer
    created_at: Generated<Date>
    expires_at: Date
    used_at: Date | null
  }
}
