/**
 * ROOM: revocation. What has ended before its time: one JWT access token, a grant, a session, a client, an account. It
 * owns `revocation`: written in the transaction of the change, known to every node within the poll of the change log,
 * asked by everyone who accepts a credential. It does not end the things themselves (rows of grants and sessions are their
 * rooms'), and knows nothing about why. Ending all things that fit a filter is in end-matching.ts.
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

/** What may have ended. */
export interface Reference extends Ended {
  /** When it was issued: a revocation of the kind `issuance` ends what is not younger than itself. */
  readonly issuedAt?: Date
}

export interface Revocation extends Ended {
  /** Short and for the audit: never shown to a caller, never a secret. */
  readonly reason: string
  /** When nothing that this ends could be alive any more; null or absent: never forgotten. */
  readonly expiresAt?: Date | null
  /** Only of the kind `issuance`: up to when; never later than now, which is the default. */
  readonly issuedBefore?: Date | undefined
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
  isRevoked(refs: readonly Reference[]): Promise<boolean>
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
const secondsLeft = sql<number | null>`extract(epoch FROM revocation.expires_at - clock_timestamp())::float8`

/** Milliseconds since 1970 up to when it ends what was issued; null: whenever it was. */
const endsUntil = sql<number | null>`
  CASE WHEN revocation.kind = 'issuance' THEN extract(epoch FROM revocation.revoked_at)::float8 * 1000 END`

const keyOf = ({ kind, id }: Ended) => `${kind}:${id}`

export function createRevocations({ db, changeLog }: { db: Db; changeLog: ChangeLog }): Revocations {
  const ended = new Map<string, Remembered>()
  let loaded = false
  let pruneAt = performance.now() + PRUNE_MS
  let unsubscribe: (() => void) | undefined

  const add = ({ seconds_left: seconds, issued_until: issuedUntil, ...thing }: RevocationPayload) => {
    const now = performance.now()
    const until = seconds === null ? Number.POSITIVE_INFINITY : now + (seconds + MARGIN_SECONDS) * 1000
    const key = keyOf(thing)
    const before = ended.get(key)
    ended.set(key, {
      until: Math.max(until, before?.until ?? 0),
      issuedUntil: Math.max(issuedUntil ?? Number.POSITIVE_INFINITY, before?.issuedUntil ?? 0),
    })
    if (now < pruneAt) return
    pruneAt = now + PRUNE_MS
    for (const [old, { until: oldUntil }] of ended) if (oldUntil < now) ended.delete(old)
  }

  const hasEnded = (ref: Reference) => {
    const found = ended.get(keyOf(ref))
    return found !== undefined && (ref.issuedAt?.getTime() ?? 0) <= found.issuedUntil
  }

  return {
    async start() {
      // Before loading: what commits after the load arrives here.
      unsubscribe ??= changeLog.subscribe(REVOCATION_CHANGE, ({ payload }) => {
        add(payload as RevocationPayload)
      })
      const rows = await db
        .selectFrom('revocation')
        .select(['kind', 'id', secondsLeft.as('seconds_left'), endsUntil.as('issued_until')])
        .where(sql<boolean>`NOT coalesce(${revocationSweep.where}, false)`)
        .execute()
      for (const row of rows) add(row)
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
      if (loaded && changeLog.isFresh()) return refs.some(hasEnded)
      return await findRevoked(db, refs)
    },
  }
}

/** `Revocations.revokeAll`, for who runs before there is a server. */
export async function revokeAll(tx: Tx | Db, revocations: readonly Revocation[]): Promise<void> {
  const { rows } = await sql<RevocationPayload>`
    INSERT INTO revocation (kind, id, reason, expires_at, revoked_at)
    SELECT kind, id, reason, expires_at, least(issued_before, clock_timestamp()) FROM unnest(
      ${revocations.map(({ kind }) => kind)}::text[], ${revocations.map(({ id }) => id)}::text[],
      ${revocations.map(({ reason }) => reason)}::text[],
      ${revocations.map(({ expiresAt = null }) => expiresAt)}::timestamptz[],
      ${revocations.map(({ issuedBefore = null }) => issuedBefore)}::timestamptz[]
    ) AS ended (kind, id, reason, expires_at, issued_before)
    ON CONFLICT (kind, id) DO UPDATE SET
      revoked_at = greatest(revocation.revoked_at, excluded.revoked_at),
      -- greatest() ignores null, which here means for ever.
      expires_at = CASE WHEN revocation.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
        ELSE greatest(revocation.expires_at, excluded.expires_at) END
    RETURNING revocation.kind, revocation.id, ${secondsLeft} AS seconds_left, ${endsUntil} AS issued_until
  `.execute(tx)
  await appendChanges(tx, REVOCATION_CHANGE, rows)
}

interface RevocationPayload extends Record<string, unknown> {
  readonly kind: RevocationKind
  readonly id: string
  /** When the row was written; a node that reads it later forgets it later, which is harmless. */
  readonly seconds_left: number | null
  readonly issued_until: number | null
}

interface Remembered {
  /** On the monotonic clock, in milliseconds. */
  readonly until: number
  /** Milliseconds since 1970. */
  readonly issuedUntil: number
}

async function findRevoked(db: Db, refs: readonly Reference[]): Promise<boolean> {
  // An id with U+0000 is in no row, and Postgres refuses it.
  const possible = refs.filter(({ id }) => !id.includes('\0'))
  if (possible.length === 0) return false
  const { rows } = await sql`
    SELECT 1 FROM revocation JOIN unnest(
      ${possible.map(({ kind }) => kind)}::text[], ${possible.map(({ id }) => id)}::text[],
      ${possible.map(({ issuedAt = null }) => issuedAt)}::timestamptz[]
    ) AS ref (kind, id, issued_at) USING (kind, id)
    WHERE kind <> 'issuance' OR ref.issued_at IS NULL OR ref.issued_at <= revocation.revoked_at
    LIMIT 1
  `.execute(db)
  return rows.length > 0
}
