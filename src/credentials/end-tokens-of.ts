import { sql } from 'kysely'
import type { Audit } from '../audit/audit.ts'
import type { Tx } from '../db/connect.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { type Actor, noteChange } from './minted-actor.ts'
import type { Owner } from './minted-token.ts'

/** The list of revocations remembers one as long as a copy of its row could live; the row says it for good. */
const REMEMBERED = sql<Date>`clock_timestamp() + interval '1 day'`

/** Revokes all keys of a client, or all personal tokens of an account, in the transaction of what ends the owner. */
export async function endTokensOf(
  tx: Tx,
  { audit, revocations }: { audit: Pick<Audit, 'record'>; revocations: Pick<Revocations, 'revoke'> },
  actor: Actor,
  owner: Owner,
  reason: string,
): Promise<void> {
  const column = owner.type === 'client' ? 'client_id' : 'account_id'
  const rows = await tx
    .updateTable('minted_token')
    .set({ revoked_at: sql<Date>`clock_timestamp()` })
    .where(column, '=', owner.id)
    .where('revoked_at', 'is', null)
    .returning(['id', 'account_id', 'client_id', REMEMBERED.as('remembered')])
    .execute()
  for (const row of rows) {
    await revocations.revoke(tx, { kind: 'credential', id: row.id, reason, expiresAt: row.remembered })
    await noteChange(tx, audit, actor, row, 'revoked', { reason })
  }
}
