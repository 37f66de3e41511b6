/**
 * Back-channel logout (OpenID Connect Back-Channel Logout 1.0): the clients that took part in a session that has ended are
 * told, each by its own item of the outbox, until it has heard it or is given up. The item is written with the end of the
 * session; the token, which lives for two minutes, is made anew at each try, for the client as it is then.
 */
import { sql } from 'kysely'
import type { AuditEvent } from '../audit/audit.ts'
import type { Tx } from '../db/connect.ts'
import { enqueueAll, type OutboxEnd, type OutboxHandler } from '../db/outbox.ts'
import type { OidcDeps } from './deps.ts'
import { createLogoutToken, type EndedSession } from './logout-token.ts'

/** The outbox's topic. */
export const BACKCHANNEL_LOGOUT = 'backchannel-logout'

interface Item extends EndedSession {
  readonly clientId: string
}

/**
 * The client takes part in the session from now on, if that is alive. Writes to the session's row too: it waits for an
 * end of the session that is under way, and the end waits for it. So no client begins a session of its own unnoticed.
 * @returns false when the session has ended
 */
export async function joinSession(tx: Tx, sessionUid: string, clientId: string): Promise<boolean> {
  const { rows } = await sql`
    WITH living AS (
      UPDATE session SET last_seen_at = clock_timestamp() WHERE uid = ${sessionUid} AND ended_at IS NULL RETURNING uid
    ), joined AS (
      INSERT INTO session_client (session_uid, client_id) SELECT uid, ${clientId} FROM living ON CONFLICT DO NOTHING
    )
    SELECT uid FROM living
  `.execute(tx)
  return rows.length > 0 || !(await hasEnded(tx, sessionUid))
}

/** The same for who does not take part: until the transaction ends, so does not the session. */
export async function holdSession(tx: Tx, sessionUid: string): Promise<boolean> {
  const row = await tx
    .updateTable('session')
    .set({ last_seen_at: sql<Date>`clock_timestamp()` })
    .where('uid', '=', sessionUid)
    .where('ended_at', 'is', null)
    .returning('uid')
    .executeTakeFirst()
  return row !== undefined
}

async function hasEnded(tx: Tx, sessionUid: string): Promise<boolean> {
  const row = await tx
    .selectFrom('session')
    .select('uid')
    .where('uid', '=', sessionUid)
    .where('ended_at', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}

/** In the transaction that ends the sessions. */
export async function announceSessionEnds(tx: Tx, sessions: readonly EndedSession[]): Promise<void> {
  const told = await tx
    .selectFrom('session_client as s')
    .innerJoin('client as c', 'c.client_id', 's.client_id')
    .select(['s.session_uid', 'c.client_id', 'c.backchannel_logout_uri'])
    .where(sql<boolean>`s.session_uid = ANY(${sessions.map(({ sessionUid }) => sessionUid)}::text[])`)
    .where('c.backchannel_logout_uri', 'is not', null)
    .where('c.disabled_at', 'is', null)
    .execute()
  const accounts = new Map(sessions.map(({ sessionUid, accountId }) => [sessionUid, accountId]))
  await enqueueAll(
    tx,
    BACKCHANNEL_LOGOUT,
    told.map(({ client_id: clientId, session_uid: sessionUid, backchannel_logout_uri: uri }) => ({
      payload: { sessionUid, accountId: accounts.get(sessionUid) ?? '', clientId } satisfies Item,
      // One that does not answer holds up those at the same host, nobody else.
      lane: `${BACKCHANNEL_LOGOUT} ${URL.parse(uri ?? '')?.host}`,
    })),
  )
}

export interface BackchannelLogout {
  readonly deliver: OutboxHandler
  readonly givenUp: OutboxEnd
}

export function createBackchannelLogout(deps: OidcDeps): BackchannelLogout {
  const { db, clients, audit, outbound } = deps

  const outcomeOf = (
    item: Item,
    outcome: AuditEvent['outcome'],
    detail: { attempts: number; reason?: string },
  ): AuditEvent => ({
    type: 'backchannel_logout',
    outcome,
    actor: { type: 'system' },
    subject: { type: 'account', id: item.accountId },
    credential: { kind: 'session', id: item.sessionUid },
    clientId: item.clientId,
    detail,
  })

  return {
    async deliver(payload, attempts, signal) {
      const item = itemOf(payload)
      const client = await clients.find(item.clientId)
      // Meanwhile it may be gone, or want to hear nothing any more.
      if (!client?.backchannelLogoutUri || client.disabled) return
      const token = await createLogoutToken(deps, client, item)
      const { status } = await outbound(client.backchannelLogoutUri, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: token }),
        signal,
      })
      // 200 (section 2.8); several frameworks say 204.
      if (status !== 200 && status !== 204) throw new Error(`The client answered ${status}.`)
      await audit.record(db, outcomeOf(item, 'success', { attempts }))
    },

    givenUp: (tx, { payload, attempts }, reason) =>
      audit.record(tx, outcomeOf(itemOf(payload), 'refused', { attempts, reason })),
  }
}

function itemOf({ clientId, accountId, sessionUid }: Readonly<Record<string, unknown>>): Item {
  return { clientId: String(clientId), accountId: String(accountId), sessionUid: String(sessionUid) }
}
