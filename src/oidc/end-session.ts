/**
 * The end of browser sessions, whoever ends them: the rows, the grants that hang on them, the revocations, the audit rows,
 * and word to the clients that took part.
 */
import { sql } from 'kysely'
import type { AuditEvent } from '../audit/audit.ts'
import type { Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import type { Source } from '../http/context.ts'
import { announceSessionEnds } from './backchannel-logout.ts'
import type { OidcDeps } from './deps.ts'
import { type EndDeps, endGrants } from './grant.ts'

export type SessionEnd = 'signed_out' | 'ended_by_owner' | 'replaced'

/** Ends the session `uid` if it is alive. Everything bound to it is refused here when the promise resolves. */
export async function endSession(
  deps: OidcDeps,
  uid: string,
  reason: SessionEnd,
  source?: Source,
): Promise<void> {
  await transaction(deps.db, tx => endSessions(tx, deps, [uid], reason, source ? { source } : {}))
  await deps.changeLog.catchUp()
}

/**
 * Ends those of the sessions that are alive, in the caller's transaction.
 * @param by who did it; each session's own account unless said
 * @returns how many of somebody were
 */
export async function endSessions(
  tx: Tx,
  deps: EndDeps,
  uids: readonly string[],
  reason: string,
  by: Partial<Pick<AuditEvent, 'actor' | 'credential' | 'source'>> = {},
): Promise<number> {
  const rows = await tx
    .updateTable('session')
    .set({ ended_at: sql<Date>`clock_timestamp()`, sealed_payload: '' })
    .where(sql<boolean>`uid = ANY(${[...uids]}::text[])`)
    .where('ended_at', 'is', null)
    .returning(['uid', 'account_id', 'expires_at'])
    .execute()
  if (rows.length === 0) return 0
  const sessionUids = rows.map(({ uid }) => uid)
  await endGrants(tx, deps, { sessionUids }, 'signed_out', by.actor ? by : {})
  const ended = rows.flatMap(({ uid, account_id: accountId, expires_at: expiresAt }) =>
    accountId === null ? [] : [{ sessionUid: uid, accountId, expiresAt }],
  )
  if (ended.length === 0) return 0
  await deps.revocations.revokeAll(
    tx,
    ended.map(({ sessionUid: id, expiresAt }) => ({ kind: 'session', id, reason, expiresAt })),
  )
  await deps.audit.recordAll(
    tx,
    ended.map(({ sessionUid: id, accountId }) => ({
      type: 'session_ended',
      outcome: 'success',
      actor: { type: 'account', id: accountId },
      subject: { type: 'account', id: accountId },
      credential: { kind: 'session', id },
      detail: { reason, ...(by.actor && { session: id }) },
      ...by,
    })),
  )
  await announceSessionEnds(
    tx,
    ended.map(({ sessionUid, accountId }) => ({ sessionUid, accountId })),
  )
  return ended.length
}
