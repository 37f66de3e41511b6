import { type RawBuilder, sql } from 'kysely'
import type { Audit, AuditEvent } from '../audit/audit.ts'
import { appendChanges } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { type Actor, mintedEvent } from './minted-actor.ts'
import { CREDENTIAL_CHANGE, type Owner } from './minted-token.ts'

/** The list of revocations remembers one as long as a copy of its row could live; the row says it for good. */
const REMEMBERED = sql<Date>`clock_timestamp() + interval '1 day'`

export interface EndTokensDeps {
  readonly audit: Pick<Audit, 'recordAll'>
  readonly revocations: Pick<Revocations, 'revokeAll'>
}

/** Revokes all keys of a client, or all personal tokens of an account, in the transaction of what ends the owner. */
export async function endTokensOf(
  tx: Tx,
  deps: EndTokensDeps,
  actor: Actor,
  owner: Owner,
  reason: string,
): Promise<void> {
  const column = owner.type === 'client' ? sql`client_id` : sql`account_id`
  await endTokens(tx, deps, sql`${column} = ${owner.id}`, reason, (row, detail) =>
    mintedEvent(actor, row, 'revoked', detail),
  )
}

interface EndedRow {
  readonly id: string
  readonly account_id: string | null
  readonly client_id: string | null
  readonly remembered: Date
}

/** Revokes those that are not, in a few statements however many they are. @param which SQL over `minted_token` */
export async function endTokens(
  tx: Tx,
  { audit, revocations }: EndTokensDeps,
  which: RawBuilder<unknown>,
  reason: string,
  eventOf: (row: EndedRow, detail: { reason: string }) => AuditEvent,
): Promise<number> {
  const rows = await tx
    .updateTable('minted_token')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where(sql<boolean>`${which}`)
    .where('revoked_at', 'is', null)
    .returning(['id', 'account_id', 'client_id', REMEMBERED.as('remembered')])
    .execute()
  if (rows.length === 0) return 0
  await revocations.revokeAll(
    tx,
    rows.map(({ id, remembered }) => ({ kind: 'credential', id, reason, expiresAt: remembered })),
  )
  await appendChanges(
    tx,
    CREDENTIAL_CHANGE,
    rows.map(({ id }) => ({ id })),
  )
  await audit.recordAll(
    tx,
    rows.map(row => eventOf(row, { reason })),
  )
  return rows.length
}
