/**
 * Rate limits of credentials: at most `requests` in any `seconds`. Each node counts what it lets through and tells the
 * others once a second through `rate_limit_count`; nobody waits for that. So several nodes together may let through more:
 * at most what each of the others can in one second, and never more than the limit itself per node.
 *
 * The window slides in ten slices. A slice counts as long as any of it is in the window, so a limit is kept a little too
 * well rather than not well enough. Slices are numbered by the database's time, so that nodes mean the same ones.
 */
import { sql } from 'kysely'
import { createBatches } from '../db/batches.ts'
import type { Db } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import type { Logger } from '../log.ts'
import type { RateLimit } from './minted-token.ts'

/** RateLimit header fields for HTTP (draft-ietf-httpapi-ratelimit-headers). */
export interface RateState {
  readonly limit: RateLimit
  readonly allowed: boolean
  /** Requests that are left now. */
  readonly remaining: number
  /** Seconds until there is more. */
  readonly reset: number
}

export interface RateLimits {
  /**
   * Counts one request when the limit allows it.
   * @param now the database's time
   * @param known what other nodes had counted when the credential was read: slice → count
   */
  take(credentialId: string, limit: RateLimit, now: Date, known?: SliceCounts): RateState
  /** What `take` would say. Counts nothing. */
  look(credentialId: string, limit: RateLimit, now: Date, known?: SliceCounts): RateState
  start(): void
  /** Tells what was counted here and learns what was counted elsewhere. */
  exchange(): Promise<void>
  stop(): Promise<void>
}

/** Slice number → how many. */
export type SliceCounts = Readonly<Record<string, number>>

const SLICES = 10

export const rateLimitSweep: SweepTarget = {
  name: 'rate limit counts',
  table: 'rate_limit_count',
  where: sql<boolean>`expires_at < now()`,
}

/** A subquery: the counts of one credential that still matter, null when it has no limit. */
export const sliceCountsJson = (
  table: 'minted_token' | 'client_credential',
) => sql<SliceCounts | null>`CASE WHEN ${sql.ref(`${table}.rate_limit_seconds`)} IS NOT NULL THEN (
  SELECT jsonb_object_agg(slice, count) FROM rate_limit_count
  WHERE rate_limit_count.credential_id = ${sql.ref(`${table}.id`)} AND rate_limit_count.expires_at > now()
) END`

interface Counted {
  readonly seconds: number
  /** By slice: what the table had at the last exchange. */
  shared: Map<number, number>
  /** By slice: what was let through here and is not in the table yet. */
  readonly own: Map<number, number>
  usedAt: number
}

export function createRateLimits({ db, log }: { db: Db; log: Logger }): RateLimits {
  const counted = new Map<string, Counted>()
  let failing = false

  const find = (id: string, { seconds }: RateLimit, known: SliceCounts = {}): Counted => {
    const found = counted.get(id)
    if (found?.seconds === seconds) return found
    const shared = new Map(Object.entries(known).map(([slice, count]) => [Number(slice), count]))
    const fresh = { seconds, shared, own: new Map(), usedAt: performance.now() }
    counted.set(id, fresh)
    return fresh
  }

  const state = (limit: RateLimit, counts: Counted, now: Date): RateState => {
    const sliceMs = (limit.seconds * 1000) / SLICES
    const current = Math.floor(now.getTime() / sliceMs)
    const first = current - SLICES
    let used = 0
    let oldest = current
    for (const counts_ of [counts.shared, counts.own])
      for (const [slice, count] of counts_) {
        if (slice < first || count === 0) continue
        used += count
        if (slice < oldest) oldest = slice
      }
    const freeAt = (oldest + SLICES + 1) * sliceMs
    const reset = used === 0 ? limit.seconds : Math.max(1, Math.ceil((freeAt - now.getTime()) / 1000))
    return { limit, allowed: used < limit.requests, remaining: Math.max(0, limit.requests - used), reset }
  }

  const exchange = async () => {
    const idle = performance.now()
    for (const [id, { usedAt, seconds, own }] of counted)
      if (own.size === 0 && idle - usedAt > seconds * 1100 + 2_000) counted.delete(id)
    if (counted.size === 0) return
    const told = [...counted].flatMap(([id, { own, seconds }]) =>
      [...own].map(([slice, count]) => ({ id, slice, count, seconds })),
    )
    await tell(db, told)
    for (const { id, slice, count } of told) {
      const counts = counted.get(id)
      const left = (counts?.own.get(slice) ?? 0) - count
      if (left > 0) counts?.own.set(slice, left)
      else counts?.own.delete(slice)
      // Until the table is read below.
      counts?.shared.set(slice, (counts.shared.get(slice) ?? 0) + count)
    }
    await learn(db, counted)
    failing = false
  }

  const batches = createBatches(() =>
    exchange().catch(error => {
      if (!failing) log.warn({ err: error }, 'rate limits cannot be exchanged; counting alone')
      failing = true
    }),
  )

  return {
    take(id, limit, now, known) {
      const counts = find(id, limit, known)
      counts.usedAt = performance.now()
      const before = state(limit, counts, now)
      if (!before.allowed) return before
      const slice = Math.floor((now.getTime() * SLICES) / (limit.seconds * 1000))
      counts.own.set(slice, (counts.own.get(slice) ?? 0) + 1)
      return { ...before, remaining: before.remaining - 1 }
    },
    look: (id, limit, now, known) => state(limit, find(id, limit, known), now),
    start: batches.start,
    exchange: batches.flush,
    stop: batches.stop,
  }
}

interface Told {
  readonly id: string
  readonly slice: number
  readonly count: number
  readonly seconds: number
}

/** Rows in one order, so that two nodes never wait for each other in a ring. */
async function tell(db: Db, told: readonly Told[]): Promise<void> {
  if (told.length === 0) return
  const sorted = [...told].sort((a, b) => (a.id === b.id ? a.slice - b.slice : a.id < b.id ? -1 : 1))
  await sql`
    INSERT INTO rate_limit_count AS r (credential_id, slice, count, expires_at)
    SELECT id, slice, count, clock_timestamp() + make_interval(secs => seconds * 1.2 + 1)
    FROM unnest(
      ${sorted.map(({ id }) => id)}::text[], ${sorted.map(({ slice }) => slice)}::bigint[],
      ${sorted.map(({ count }) => count)}::bigint[], ${sorted.map(({ seconds }) => seconds)}::int[]
    ) AS given (id, slice, count, seconds)
    ON CONFLICT (credential_id, slice) DO UPDATE
    SET count = r.count + excluded.count, expires_at = greatest(r.expires_at, excluded.expires_at)
  `.execute(db)
}

async function learn(db: Db, counted: ReadonlyMap<string, Counted>): Promise<void> {
  const rows = await db
    .selectFrom('rate_limit_count')
    .select(['credential_id', 'slice', 'count'])
    .where(sql<boolean>`credential_id = ANY(${[...counted.keys()]}::text[])`)
    .where('expires_at', '>', sql<Date>`now()`)
    .execute()
  const shared = new Map<string, Map<number, number>>()
  for (const { credential_id: id, slice, count } of rows) {
    const slices = shared.get(id) ?? new Map<number, number>()
    shared.set(id, slices.set(Number(slice), Number(count)))
  }
  for (const [id, counts] of counted) counts.shared = shared.get(id) ?? new Map()
}
