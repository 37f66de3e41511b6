/**
 * GROUND: the outbox. Work to be done once, after a transaction has committed, with retries: mail, back-channel logout,
 * webhooks. A row is written in the transaction of the change; some node leases it, handles it, and records the end.
 * No two nodes run one item at once as long as a handler keeps to its time; an item may run again after a crash, so
 * handlers must be safe to repeat. It owns leases and retries and knows no topic. What every node must hear is the
 * change log's (change-log.ts).
 *
 * A payload is stored in clear: seal (secrets/seal.ts) what must not be read from a stolen database.
 */
import { sql } from 'kysely'
import type { Logger } from '../log.ts'
import type { Db, Tx } from './connect.ts'
import { newId } from './id.ts'
import type { SweepTarget } from './sweep.ts'

export interface OutboxItem {
  readonly id: string
  readonly topic: string
  readonly payload: Record<string, unknown>
  /** 1 at the first time. */
  readonly attempts: number
}

/**
 * Throws to be tried again later.
 * @param attempt 1 at the first time
 * @param signal aborted when the time is up: the attempt has then failed, whatever the handler still does.
 */
export type OutboxHandler = (
  payload: Record<string, unknown>,
  attempt: number,
  signal: AbortSignal,
) => Promise<void>

export interface Outbox {
  start(): void
  /** Takes no more work and waits for what is running. */
  stop(): Promise<void>
  /** Handles what is due now, at most one batch. @returns how many items were handled, failures included. */
  runOnce(): Promise<number>
}

export interface OutboxOptions {
  readonly db: Db
  readonly log: Logger
  readonly handlers: Readonly<Record<string, OutboxHandler>>
  /** After so many failures an item is given up: outcome `failed`, the last error on the row. */
  readonly maxAttempts?: number
  readonly pollMs?: number
  /** How long an item belongs to the node that took it; a handler gets half of that. */
  readonly leaseMs?: number
  readonly batchSize?: number
  /** The wait after the first failure; it doubles each time, up to an hour. */
  readonly retryMs?: number
}

const LONGEST_RETRY_MS = 3_600_000

export const outboxSweep: SweepTarget = {
  name: 'outbox',
  table: 'outbox',
  where: sql<boolean>`finished_at < now() - make_interval(days => 7)`,
}

/** Adds work in the transaction that causes it. */
export async function enqueue(
  tx: Tx | Db,
  topic: string,
  payload: Record<string, unknown>,
  { runAt }: { runAt?: Date } = {},
): Promise<void> {
  await tx
    .insertInto('outbox')
    .values({ id: newId(), topic, payload: JSON.stringify(payload), ...(runAt && { run_at: runAt }) })
    .execute()
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { db, log, handlers, maxAttempts = 10, pollMs = 1_000 } = options
  const { leaseMs = 60_000, batchSize = 10, retryMs = 5_000 } = options
  const topics = Object.keys(handlers)
  let timer: NodeJS.Timeout | undefined
  let running = false
  let failing = false
  let turn: Promise<void> | undefined

  const handle = async (item: OutboxItem) => {
    try {
      await runHandler(handlers[item.topic], item, leaseMs / 2)
    } catch (error) {
      const givenUp = item.attempts >= maxAttempts
      log[givenUp ? 'error' : 'warn'](
        { err: error, topic: item.topic, item: item.id, attempt: item.attempts },
        givenUp ? 'outbox item given up' : 'outbox item failed; trying again later',
      )
      const waitMs =
        Math.min(LONGEST_RETRY_MS, retryMs * 2 ** (item.attempts - 1)) * (0.75 + Math.random() / 2)
      await recordFailure(db, item, reasonOf(error), givenUp ? undefined : waitMs)
      return
    }
    await recordDone(db, item)
  }

  const runOnce = async () => {
    await giveUpCrashed(db, topics, maxAttempts)
    const items = await lease(db, { topics, maxAttempts, leaseMs, batchSize })
    const ends = await Promise.allSettled(items.map(handle))
    // The end could not be recorded: the lease runs out and the item runs again.
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    return items.length
  }

  const work = async () => {
    let handled = 0
    try {
      handled = await runOnce()
      failing = false
    } catch (error) {
      if (!failing) log.warn({ err: error }, 'the outbox cannot be worked on; trying again')
      failing = true
    }
    if (running) schedule(handled === batchSize ? 0 : pollMs * (0.75 + Math.random() / 2))
  }

  const schedule = (ms: number) => {
    timer = setTimeout(() => {
      turn = work()
    }, ms)
  }

  return {
    start() {
      if (running || topics.length === 0) return
      running = true
      schedule(0)
    },
    async stop() {
      running = false
      clearTimeout(timer)
      await turn
    },
    runOnce,
  }
}

async function runHandler(
  handler: OutboxHandler | undefined,
  { topic, payload, attempts }: OutboxItem,
  limitMs: number,
): Promise<void> {
  if (!handler) throw new Error(`Nobody handles ${topic}.`)
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`The handler took longer than ${limitMs} ms.`)
      controller.abort(error)
      reject(error)
    }, limitMs)
  })
  try {
    await Promise.race([handler(payload, attempts, controller.signal), limit])
  } finally {
    clearTimeout(timer)
  }
}

interface Leasing {
  readonly topics: readonly string[]
  readonly maxAttempts: number
  readonly leaseMs: number
  readonly batchSize: number
}

/** One statement: of two nodes that want a row, the second waits for the first, looks again and finds it leased. */
async function lease(db: Db, { topics, maxAttempts, leaseMs, batchSize }: Leasing): Promise<OutboxItem[]> {
  const due = sql`finished_at IS NULL AND run_at <= now() AND (leased_until IS NULL OR leased_until < now())
    AND attempts < ${maxAttempts} AND topic = ANY (${topics})`
  const { rows } = await sql<OutboxItem>`
    UPDATE outbox
    SET attempts = attempts + 1, leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
    WHERE id IN (SELECT id FROM outbox WHERE ${due} ORDER BY run_at LIMIT ${batchSize}) AND ${due}
    RETURNING id, topic, payload, attempts
  `.execute(db)
  return rows
}

/** An item whose node died during the last attempt. */
async function giveUpCrashed(db: Db, topics: readonly string[], maxAttempts: number): Promise<void> {
  await sql`
    UPDATE outbox
    SET outcome = 'failed', finished_at = clock_timestamp(), leased_until = NULL,
      last_error = 'The node that ran the last attempt did not say how it ended.'
    WHERE finished_at IS NULL AND run_at <= now() AND leased_until < now()
      AND attempts >= ${maxAttempts} AND topic = ANY (${topics})
  `.execute(db)
}

/** `attempts` names the lease: who has lost it writes nothing. */
async function recordDone(db: Db, { id, attempts }: OutboxItem): Promise<void> {
  await sql`
    UPDATE outbox
    SET outcome = 'done', finished_at = clock_timestamp(), leased_until = NULL, last_error = NULL
    WHERE id = ${id} AND attempts = ${attempts} AND finished_at IS NULL
  `.execute(db)
}

/** @param waitMs undefined: given up */
async function recordFailure(
  db: Db,
  { id, attempts }: OutboxItem,
  reason: string,
  waitMs: number | undefined,
): Promise<void> {
  const next =
    waitMs === undefined
      ? sql`outcome = 'failed', finished_at = clock_timestamp()`
      : sql`run_at = clock_timestamp() + make_interval(secs => ${waitMs / 1000})`
  await sql`
    UPDATE outbox SET leased_until = NULL, last_error = ${reason}, ${next}
    WHERE id = ${id} AND attempts = ${attempts} AND finished_at IS NULL
  `.execute(db)
}

function reasonOf(error: unknown): string {
  const { message } = Object(error) as { message?: unknown }
  const text = typeof message === 'string' ? message : String(error)
  return text.replaceAll('\0', '\ufffd').slice(0, 500)
}
