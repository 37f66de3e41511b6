import type { Generated, JSONColumnType } from 'kysely'

export interface AuditTables {
  audit_event: {
    id: string
    type: string
    outcome: 'success' | 'refused'
    actor_type: 'account' | 'client' | 'system' | 'anonymous'
    actor_id: string | null
    credential_kind: string | null
    credential_id: string | null
    subject_type: string | null
    subject_id: string | null
    client_id: string | null
    organization_id: string | null
    address: string | null
    user_agent: string | null
    request_id: string | null
    detail: JSONColumnType<Record<string, unknown>>
    created_at: Generated<Date>
  }
}
