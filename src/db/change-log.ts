/**
 * GROUND: the change log. Rows written in the transaction of a change and followed by every node, so that all of them
 * drop what they keep in memory. It owns the order of reading and knows no row type; rooms append and subscribe. Work to
 * be done once (mail, webhooks) is not this: see outbox.ts.
 *
 * Commit order is not id order: with row 1 open and row 2 committed, a follower that asks for `id > 2` never sees row 1.
 * So a follower only moves its floor over a gap when a row above the gap is older than the overlap (30 s): every
 * transaction ends after 10 s (transaction.ts), hence nothing can appear below any more. Until then it reads everything
 * above the floor again and knows by id what it has delivered. Without gaps the floor is the newest row and a poll reads
 * nothing. Nothing is missed by an outage either: the floor does not move while nothing is read.
 */
import { sql } from 'kysely'
import type { Logger } from '../log.ts'
import type { Db, Tx } from './connect.ts'
import type { SweepTarget } from './sweep.ts'

export interface Change {
  /** bigint as text. */
  readonly id: string
  readonly type: string
  readonly payload: Record<string, unknown>
}

export interface ChangeLog {
  /**
   * First read done when it resolves: everything younger than the overlap has been delivered, also what a subscriber may
   * know already. So load from the tables after `subscribe`, and make `onChange` harmless to repeat.
   */
  start(): Promise<void>
  stop(): Promise<void>
  /** @returns ends the subscription. `onChange` must not throw; it is logged when it does. */
  subscribe(type: string, onChange: (change: Change) => void): () => void
  /**
   * False when the log was not read for 3 s on the monotonic clock, or not since the lease began: caches must then not be
   * trusted.
   */
  isFresh(): boolean
  /** From now on `isFresh` asks this lease too: see nodes.ts. */
  bindTo(lease: Lease): void
  /** Calls `onRead` after every completed read. @returns ends it. `onRead` must not throw. */
  followReads(onRead: (read: CompletedRead) => void): () => void
  /**
   * Resolves once everything committed before the call has been delivered here. Not inside a transaction.
   * @throws when the database cannot be read.
   */
  catchUp(): Promise<void>
}

/** Since when, on the clock of the log, others have been waiting for this node without a gap; undefined: they are not. */
export type Lease = () => number | undefined

export interface CompletedRead {
  /** The database's clock when the read began: whatever had committed by then has been delivered. */
  readonly databaseTime: Date
  readonly delivered: number
}

export interface ChangeLogOptions {
  readonly db: Db
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly clock?: () => number
  /** Only tests change these. */
  readonly overlapMs?: number
  readonly pollMs?: number
  readonly pageSize?: number
}

const OVERLAP_MS = 30_000
const POLL_MS = 100
const FRESH_MS = 3_000
/** A node that was away for longer may have missed rows. */
const KEPT_HOURS = 24
const PAGE_SIZE = 5_000

export const changeLogSweep: SweepTarget = {
  name: 'change log',
  table: 'change_log',
  where: sql<boolean>`created_at < now() - make_interval(hours => ${sql.lit(KEPT_HOURS)})`,
}

/** Appends a row in the transaction of the change it tells about. */
export async function appendChange(
  tx: Tx | Db,
  type: string,
  payload: Record<string, unknown>,
): Promise<void> {
  await appendChanges(tx, type, [payload])
}

/** As many rows of one type as there are payloads, in one statement. */
export async function appendChanges(
  tx: Tx | Db,
  type: string,
  payloads: readonly Record<string, unknown>[],
): Promise<void> {
  await sql`
    INSERT INTO change_log (type, payload)
    SELECT ${type}, payload::jsonb FROM unnest(${payloads.map(payload => JSON.stringify(payload))}::text[]) AS payload
  `.execute(tx)
}

export function createChangeLog(options: ChangeLogOptions): ChangeLog {
  const { db, log, clock = () => performance.now() } = options
  const { overlapMs = OVERLAP_MS, pollMs = POLL_MS, pageSize = PAGE_SIZE } = options
  const subscribers = new Map<string, Set<(change: Change) => void>>()
  /** Ids above the floor that were delivered. */
  const delivered = new Set<string>()
  const readers = new Set<(read: CompletedRead) => void>()
  let lease: Lease = () => 0
  /** Every row up to here was delivered or can no longer appear. undefined: not started. */
  let floor: bigint | undefined
  let lastRead: { readonly began: number; readonly databaseTime: Date } | undefined
  let missedRows = false
  let failing = false
  let reading: Promise<void> | undefined
  let readingNext: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let running = false

  const deliver = (change: Change) => {
    for (const onChange of subscribers.get(change.type) ?? []) {
      try {
        onChange(change)
      } catch (error) {
        log.error({ err: error, change: change.type }, 'a subscriber of the change log failed')
      }
    }
  }

  const read = async () => {
    const began = clock()
    floor ??= await findFloor(db, overlapMs)
    let databaseTime: Date | undefined
    let contiguous = true
    let news = 0
    let after = floor
    for (let full = true; full; ) {
      const { rows, now } = await readAfter(db, { after, overlapMs, pageSize, readTime: databaseTime })
      databaseTime ??= now
      for (const { settled, ...change } of rows) {
        const id = BigInt(change.id)
        after = id
        if (!delivered.has(change.id)) {
          delivered.add(change.id)
          deliver(change)
          news += 1
        }
        contiguous = settled || (contiguous && id === floor + 1n)
        if (contiguous) floor = id
      }
      full = rows.length === pageSize
    }
    for (const id of delivered) if (BigInt(id) <= floor) delivered.delete(id)
    if (databaseTime === undefined) throw new Error('The change log was read without an answer.')
    noteRead(began, databaseTime)
    for (const onRead of readers) onRead({ databaseTime, delivered: news })
  }

  const noteRead = (began: number, databaseTime: Date) => {
    const away = lastRead ? databaseTime.getTime() - lastRead.databaseTime.getTime() : 0
    if (away > (KEPT_HOURS - 1) * 3_600_000 && !missedRows) {
      missedRows = true
      log.error('this node was without the change log for so long that rows may be gone: restart it')
    }
    lastRead = { began, databaseTime }
    if (failing) log.info('the change log is read again')
    failing = false
  }

  /** One read at a time; whoever needs one that begins later shares the next. */
  const startRead = (): Promise<void> => {
    if (!reading) {
      reading = read().finally(() => {
        reading = undefined
      })
      return reading
    }
    readingNext ??= reading
      .catch(() => undefined) // whoever started that one is told
      .then(() => {
        readingNext = undefined
        return startRead()
      })
    return readingNext
  }

  const poll = async () => {
    const began = performance.now()
    try {
      await startRead()
    } catch (error) {
      if (!failing) log.warn({ err: error }, 'the change log cannot be read; trying again')
      failing = true
    }
    if (running) timer = setTimeout(poll, Math.max(5, pollMs - (performance.now() - began)))
  }

  return {
    async start() {
      if (running) return
      await startRead()
      running = true
      timer = setTimeout(poll, pollMs)
    },
    async stop() {
      running = false
      clearTimeout(timer)
      await Promise.allSettled([reading, readingNext])
    },
    subscribe(type, onChange) {
      const ofType = subscribers.get(type) ?? new Set()
      subscribers.set(type, ofType)
      // A wrapper of its own, so that the same function may subscribe twice.
      const subscriber = (change: Change) => onChange(change)
      ofType.add(subscriber)
      return () => {
        ofType.delete(subscriber)
      }
    },
    isFresh() {
      if (!running || missedRows || lastRead === undefined) return false
      const since = lease()
      return since !== undefined && lastRead.began >= since && clock() - lastRead.began < FRESH_MS
    },
    bindTo(other) {
      lease = other
    },
    followReads(onRead) {
      readers.add(onRead)
      return () => {
        readers.delete(onRead)
      }
    },
    catchUp: () => startRead(),
  }
}

/** The newest id that is older than the overlap: where a node that starts begins. */
async function findFloor(db: Db, overlapMs: number): Promise<bigint> {
  const { rows } = await sql<{ id: string }>`
    SELECT coalesce(max(id), 0)::text AS id FROM change_log
    WHERE created_at <= now() - make_interval(secs => ${overlapMs / 1000})
  `.execute(db)
  return BigInt(rows[0]?.id ?? 0)
}

interface Row extends Change {
  /** Older than the overlap: nothing below it can appear any more. */
  readonly settled: boolean
}

interface Page {
  readonly after: bigint
  readonly overlapMs: number
  readonly pageSize: number
  /** When the first page of this read was read: pages must agree about what is settled. */
  readonly readTime: Date | undefined
}

/** One page by primary key. A row of nulls carries the time when there is no other row. */
async function readAfter(
  db: Db,
  { after, overlapMs, pageSize, readTime }: Page,
): Promise<{ rows: Row[]; now: Date | undefined }> {
  const readAt = sql`coalesce(${readTime ?? null}::timestamptz, now())`
  const result = await sql<{ [K in keyof Row]: Row[K] | null } & { now: Date }>`
    SELECT c.id, c.type, c.payload, c.settled, now() AS now
    FROM (VALUES (1)) one
    LEFT JOIN (
      SELECT id::text, id AS position, type, payload,
        created_at <= ${readAt} - make_interval(secs => ${overlapMs / 1000}) AS settled
      FROM change_log WHERE id > ${after.toString()}::bigint
      ORDER BY change_log.id LIMIT ${pageSize}
    ) c ON true
    ORDER BY c.position
  `.execute(db)
  const rows = result.rows.flatMap(({ id, type, payload, settled }) =>
    id === null || type === null || payload === null
      ? []
      : [{ id, type, payload, settled: settled === true }],
  )
  return { rows, now: result.rows[0]?.now }
}
