/**
 * The end of a browser session, whoever ends it: the row, the grants that hang on it, the revocation, the audit row, and
 * word to the clients that took part.
 */
import { sql } from 'kysely'
import { transaction } from '../db/transaction.ts'
import type { Source } from '../http/context.ts'
import { announceSessionEnd } from './backchannel-logout.ts'
import type { OidcDeps } from './deps.ts'
import { endGrants } from './grant.ts'

export type SessionEnd = 'signed_out' | 'ended_by_owner' | 'replaced'

/** Ends the session `uid` if it is alive. Everything bound to it is refused here when the promise resolves. */
export async function endSession(
  deps: OidcDeps,
  uid: string,
  reason: SessionEnd,
  source?: Source,
): Promise<void> {
  await transaction(deps.db, async tx => {
    const session = await tx
      .updateTable('session')
      .set({ ended_at: sql<Date>`clock_timestamp()`, sealed_payload: '' })
      .where('uid', '=', uid)
      .where('ended_at', 'is', null)
      .returning(['account_id', 'expires_at'])
      .executeTakeFirst()
    if (!session) return
    await endGrants(tx, deps, { sessionUid: uid }, 'signed_out')
    if (session.account_id === null) return
    await deps.revocations.revoke(tx, { kind: 'session', id: uid, reason, expiresAt: session.expires_at })
    await deps.audit.record(tx, {
      type: 'session_ended',
      outcome: 'success',
      actor: { type: 'account', id: session.account_id },
      subject: { type: 'account', id: session.account_id },
      credential: { kind: 'session', id: uid },
      detail: { reason },
      ...(source && { source }),
    })
    await announceSessionEnd(tx, { accountId: session.account_id, sessionUid: uid })
  })
  await deps.changeLog.catchUp()
}
