/**
 * What can be ended by a filter: each kind of thing says, as a query, what is alive of it, and ends what was chosen. The
 * rooms that own the things declare their kinds; app.ts hands all of them to end-matching.ts.
 */
import { type RawBuilder, sql } from 'kysely'
import type { AuditEvent } from '../audit/audit.ts'
import type { Tx } from '../db/connect.ts'
import type { AddressRange } from '../http/address-range.ts'

/** What is wanted, all of it together. Something that has no such property (a session has no client) does not fit. */
export interface Filter {
  readonly kinds?: readonly string[] | undefined
  readonly credentialId?: string | undefined
  readonly grantId?: string | undefined
  readonly sessionId?: string | undefined
  readonly accountId?: string | undefined
  readonly clientId?: string | undefined
  readonly organization?: string | undefined
  readonly env?: string | undefined
  readonly issuedBefore?: Date | undefined
  /** Where it was last used from. */
  readonly lastAddress?: AddressRange | undefined
  /** The id of the master secret under whose pepper it is stored. */
  readonly pepperVersion?: string | undefined
}

export interface Thing {
  readonly kind: string
  /** Public. */
  readonly id: string
  /** What its room knows it by, when that is not the id. */
  readonly key: string | null
  readonly accountId: string | null
  readonly clientId: string | null
  readonly issuedAt: Date | null
}

/** Who ends it, and why. */
export interface Ending extends Pick<AuditEvent, 'actor' | 'credential' | 'source'> {
  /** For the audit. */
  readonly reason: string
  readonly issuedBefore?: Date | undefined
}

export interface Revocable {
  /** The name in filters, answers and the audit. */
  readonly kind: string
  /**
   * SQL that selects what is alive, with the columns of `thingColumns`; undefined when no such filter can fit. The filter
   * may make it cheaper; it is applied to the columns afterwards.
   */
  living(filter: Filter): RawBuilder<unknown> | undefined
  /**
   * Ends those that are still alive, in the caller's transaction, each with its audit row and what every node needs to
   * refuse it. @returns how many
   */
  end(tx: Tx, things: readonly Thing[], ending: Ending): Promise<number>
}

const COLUMNS = {
  id: 'text',
  key: 'text',
  account_id: 'uuid',
  client_id: 'text',
  organization_id: 'text',
  grant_id: 'text',
  session_id: 'text',
  env: 'text',
  issued_at: 'timestamptz',
  address: 'inet',
  pepper_ids: 'text[]',
} as const

/** The columns that every query of living things has, in one order; null for what it has not. */
export function thingColumns(given: Partial<Record<keyof typeof COLUMNS, string>>): RawBuilder<unknown> {
  return sql.join(
    Object.entries(COLUMNS).map(
      ([name, type]) =>
        sql`(${sql.raw(given[name as keyof typeof COLUMNS] ?? 'NULL')})::${sql.raw(type)} AS ${sql.ref(name)}`,
    ),
  )
}

/** What an audit row says of who did it. */
export function by({
  actor,
  credential,
  source,
}: Ending): Pick<AuditEvent, 'actor' | 'credential' | 'source'> {
  return { actor, ...(credential && { credential }), ...(source && { source }) }
}
