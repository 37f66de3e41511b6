import type { Generated } from 'kysely'

export type OrganizationRole = 'owner' | 'developer' | 'viewer'

/** An administrator, or somebody else to whom the operator gave `accounts:write`. */
export type AccountDisabledBy = 'administrator' | 'delegate'

export interface AccountTables {
  account: {
    id: string
    /** NFKC, lower case: unique as people read it. */
    username: string
    name: string
    email: string | null
    email_verified: Generated<boolean>
    /** PHC string (argon2id). */
    password_hash: string | null
    admin: Generated<boolean>
    disabled_at: Date | null
    /** null as well where it was shut before this was recorded. */
    disabled_by: AccountDisabledBy | null
    password_changed_at: Date | null
    created_at: Generated<Date>
    updated_at: Generated<Date>
  }
  organization: {
    id: string
    name: string
    created_at: Generated<Date>
  }
  organization_member: {
    organization_id: string
    account_id: string
    role: OrganizationRole
    created_at: Generated<Date>
  }
  role: {
    name: string
    created_at: Generated<Date>
  }
  account_role: {
    account_id: string
    role: string
  }
}
