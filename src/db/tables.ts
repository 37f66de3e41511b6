/** All tables: the sum of what the rooms own, and those of the ground. Types only. */
import type { Generated, JSONColumnType } from 'kysely'
import type { AccountTables } from '../accounts/tables.ts'
import type { AdminTables } from '../admin/tables.ts'
import type { AuditTables } from '../audit/tables.ts'
import type { ClientTables } from '../clients/tables.ts'
import type { CredentialTables } from '../credentials/tables.ts'
import type { KeyTables } from '../keys/tables.ts'
import type { OidcTables } from '../oidc/tables.ts'
import type { ResourceTables } from '../resources/tables.ts'
import type { RevocationTables } from '../revocation/tables.ts'
import type { SignInTables } from '../sign-in/tables.ts'

export interface GroundTables {
  change_log: {
    /** bigint: a string in JavaScript. */
    id: Generated<string>
    type: string
    payload: JSONColumnType<Record<string, unknown>>
    created_at: Generated<Date>
  }
  node: {
    id: string
    seen_at: Date
    /** When its last completed read of the change log began. */
    polled_at: Date
  }
  turn: {
    name: string
    until: Date
  }
  outbox: {
    id: string
    topic: string
    lane: string | null
    payload: JSONColumnType<Record<string, unknown>>
    attempts: Generated<number>
    run_at: Generated<Date>
    leased_until: Date | null
    last_error: string | null
    outcome: 'done' | 'failed' | null
    finished_at: Date | null
    created_at: Generated<Date>
  }
}

export interface Tables
  extends GroundTables,
    AuditTables,
    RevocationTables,
    AccountTables,
    ClientTables,
    ResourceTables,
    KeyTables,
    CredentialTables,
    SignInTables,
    OidcTables,
    AdminTables {}
