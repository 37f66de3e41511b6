import { type RawBuilder, sql } from 'kysely'
import type { Audit, AuditEvent } from '../audit/audit.ts'
import { appendChanges } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { type Actor, credentialEvent, type EventSubject } from './minted-actor.ts'
import { CREDENTIAL_CHANGE, type Owner } from './minted-token.ts'

/** The list of revocations remembers one as long as a copy of its row could live; the row says it for good. */
const REMEMBERED = sql<Date>`clock_timestamp() + interval '1 day'`

export interface EndTokensDeps {
  readonly audit: Pick<Audit, 'recordAll'>
  readonly revocations: Pick<Revocations, 'revokeAll'>
}

/** Revokes all keys and credentials of a client, or all personal tokens of an account, in the transaction of what ends it. */
export async function endTokensOf(
  tx: Tx,
  deps: EndTokensDeps,
  actor: Actor,
  owner: Owner,
  reason: string,
): Promise<void> {
  const eventOf: EventOf = (row, detail) => credentialEvent(actor, row, 'revoked', detail)
  if (owner.type === 'account') {
    await endTokens(tx, deps, 'minted_token', sql`account_id = ${owner.id}`, reason, eventOf)
    return
  }
  for (const table of TABLES) await endTokens(tx, deps, table, sql`client_id = ${owner.id}`, reason, eventOf)
}

const TABLES = ['minted_token', 'client_credential'] as const
type Table = (typeof TABLES)[number]

const KIND: Readonly<Record<Table, RawBuilder<string>>> = {
  minted_token: sql`CASE WHEN client_id IS NULL THEN 'personal-access-token' ELSE 'api-key' END`,
  client_credential: sql`kind`,
}

interface EndedRow extends EventSubject {
  readonly remembered: Date
}

type EventOf = (row: EventSubject, detail: { reason: string }) => AuditEvent

/** Revokes those that are not, in a few statements however many they are. @param which SQL over the table */
export async function endTokens(
  tx: Tx,
  { audit, revocations }: EndTokensDeps,
  table: Table,
  which: RawBuilder<unknown>,
  reason: string,
  eventOf: EventOf,
): Promise<number> {
  const { rows } = await sql<EndedRow>`
    UPDATE ${sql.table(table)} SET revoked_at = clock_timestamp() WHERE (${which}) AND revoked_at IS NULL
    RETURNING id, client_id, ${KIND[table]} AS kind, ${REMEMBERED} AS remembered
  `.execute(tx)
  if (rows.length === 0) return 0
  await revocations.revokeAll(
    tx,
    rows.map(({ id, remembered }) => ({ kind: 'credential', id, reason, expiresAt: remembered })),
  )
  await appendChanges(
    tx,
    CREDENTIAL_CHANGE,
    rows.map(({ id, kind }) => ({ id, kind })),
  )
  await audit.recordAll(
    tx,
    rows.map(row => eventOf(row, { reason })),
  )
  return rows.length
}
