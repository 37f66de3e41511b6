/**
 * ROOM: revocation. What has ended before its time: one JWT access token, a grant, a session, a client, an account. It
 * owns `revocation`: written in the transaction of the change, known to every node within the poll of the change log,
 * asked by everyone who accepts a credential. It does not end the things themselves (rows of grants and sessions are their
 * rooms'), and knows nothing about why.
 *
 * In memory there are only revocations, never "this one is fine", so no answer of the database can overwrite a newer
 * revocation: what is loaded and what arrives can only add or prolong.
 */
import { sql } from 'kysely'
import { appendChanges, type ChangeLog } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import type { RevocationKind } from './tables.ts'

export type { RevocationKind } from './tables.ts'

export interface Ended {
  readonly kind: RevocationKind
  readonly id: string
}

export interface Revocation extends Ended {
  /** Short and for the audit: never shown to a caller, never a secret. */
  readonly reason: string
  /** When nothing that this ends could be alive any more; null or absent: never forgotten. */
  readonly expiresAt?: Date | null
}

export interface Revocations {
  /** Loads what is not expired and follows the change log, which has been started before. */
  start(): Promise<void>
  stop(): void
  /**
   * Holds everywhere once the transaction has committed and the log was read: here at once after `changeLog.catchUp()`.
   * Of two revocations of one thing the first gives the reason, the last one the time, and the longer one decides when it
   * is forgotten.
   */
  revoke(tx: Tx | Db, revocation: Revocation): Promise<void>
  /** The same for many things, each named once, in a few statements: a transaction has ten seconds. */
  revokeAll(tx: Tx | Db, revocations: readonly Revocation[]): Promise<void>
  /**
   * True when any of these has ended. From memory while the change log is fresh, else one query.
   * @throws when the database must be asked and cannot be.
   */
  isRevoked(refs: readonly Ended[]): Promise<boolean>
}

export const REVOCATION_CHANGE = 'revocation'

/** Longer than any tolerance for clocks: a token may be taken for alive a little after its expiry. */
const MARGIN_SECONDS = 300
const PRUNE_MS = 60_000

export const revocationSweep: SweepTarget = {
  name: 'revocation',
  table: 'revocation',
  where: sql<boolean>`expires_at < now() - make_interval(secs => ${sql.lit(MARGIN_SECONDS)})`,
}

/** Of `expires_at`, by the database's clock; null: for ever. Nodes count it down on their own monotonic clock. */
const secondsLeft = sql<number | null>`extract(epoch FROM expires_at - clock_timestamp())::float8`

const keyOf = ({ kind, id }: Ended) => `${kind}:${id}`

export function createRevocations({ db, changeLog }: { db: Db; changeLog: ChangeLog }): Revocations {
  /** Until when, on the monotonic clock in milliseconds. */
  const ended = new Map<string, number>()
  let loaded = false
  let pruneAt = performance.now() + PRUNE_MS
  let unsubscribe: (() => void) | undefined

  const add = (thing: Ended, seconds: number | null) => {
    const now = performance.now()
    const until = seconds === null ? Number.POSITIVE_INFINITY : now + (seconds + MARGIN_SECONDS) * 1000
    const key = keyOf(thing)
    ended.set(key, Math.max(until, ended.get(key) ?? 0))
    if (now < pruneAt) return
    pruneAt = now + PRUNE_MS
    for (const [old, oldUntil] of ended) if (oldUntil < now) ended.delete(old)
  }

  return {
    async start() {
      // Before loading: what commits after the load arrives here.
      unsubscribe ??= changeLog.subscribe(REVOCATION_CHANGE, ({ payload }) => {
        const { kind, id, seconds_left } = payload as RevocationPayload
        add({ kind, id }, seconds_left)
      })
      const rows = await db
        .selectFrom('revocation')
        .select(['kind', 'id', secondsLeft.as('seconds_left')])
        .where(sql<boolean>`NOT coalesce(${revocationSweep.where}, false)`)
        .execute()
      for (const row of rows) add(row, row.seconds_left)
      loaded = true
    },

    stop() {
      unsubscribe?.()
      unsubscribe = undefined
      loaded = false
    },

    revoke: (tx, revocation) => revokeAll(tx, [revocation]),
    revokeAll,

    async isRevoked(refs) {
      if (loaded && changeLog.isFresh()) return refs.some(ref => ended.has(keyOf(ref)))
      return await findRevoked(db, refs)
    },
  }
}

async function revokeAll(tx: Tx | Db, revocations: readonly Revocation[]): Promise<void> {
  const { rows } = await sql<RevocationPayload>`
    INSERT INTO revocation (kind, id, reason, expires_at)
    SELECT * FROM unnest(
      ${revocations.map(({ kind }) => kind)}::text[], ${revocations.map(({ id }) => id)}::text[],
      ${revocations.map(({ reason }) => reason)}::text[],
      ${revocations.map(({ expiresAt = null }) => expiresAt)}::timestamptz[]
    )
    ON CONFLICT (kind, id) DO UPDATE SET
      revoked_at = excluded.revoked_at,
      -- greatest() ignores null, which here means for ever.
      expires_at = CASE WHEN revocation.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
        ELSE greatest(revocation.expires_at, excluded.expires_at) END
    RETURNING kind, id, extract(epoch FROM revocation.expires_at - clock_timestamp())::float8 AS seconds_left
  `.execute(tx)
  await appendChanges(tx, REVOCATION_CHANGE, rows)
}

interface RevocationPayload extends Record<string, unknown> {
  readonly kind: RevocationKind
  readonly id: string
  /** When the row was written; a node that reads it later forgets it later, which is harmless. */
  readonly seconds_left: number | null
}

async function findRevoked(db: Db, refs: readonly Ended[]): Promise<boolean> {
  // An id with U+0000 is in no row, and Postgres refuses it.
  const possible = refs.filter(({ id }) => !id.includes('\0'))
  if (possible.length === 0) return false
  const { rows } = await sql`
    SELECT 1 FROM revocation
    WHERE (kind, id) IN (
      SELECT * FROM unnest(${possible.map(({ kind }) => kind)}::text[], ${possible.map(({ id }) => id)}::text[])
    )
    LIMIT 1
  `.execute(db)
  return rows.length > 0
}
