/**
 * GROUND: the outbox. Work to be done once, after a transaction has committed, with retries: mail, back-channel logout,
 * webhooks. A row is written in the transaction of the change; some node leases it, handles it, and records the end.
 * No two nodes run one item at once as long as a handler keeps to its time; an item may run again after a crash, so
 * handlers must be safe to repeat. Items of one lane (one host that is sent to, for instance) are handled few at a time:
 * where nobody answers, the others do not wait. It owns leases and retries and knows no topic. What every node must hear is the
 * change log's (change-log.ts).
 *
 * A payload is stored in clear: seal (secrets/seal.ts) what must not be read from a stolen database.
 */
import { sql } from 'kysely'
import type { Logger } from '../log.ts'
import type { Db, Tx } from './connect.ts'
import { newId } from './id.ts'
import { type Due, findCrashed, lease, recordDone, recordFailure, recordGivenUp } from './outbox-items.ts'
import type { SweepTarget } from './sweep.ts'
import { transaction } from './transaction.ts'

export interface OutboxItem {
  readonly id: string
  readonly topic: string
  readonly lane: string | null
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

/** In the transaction that gives the item up: nobody will try again. */
export type OutboxEnd = (tx: Tx, item: OutboxItem, reason: string) => Promise<void>

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
  readonly givenUp?: Readonly<Record<string, OutboxEnd>>
  /** After so many failures an item is given up: outcome `failed`, the last error on the row. */
  readonly maxAttempts?: number
  readonly pollMs?: number
  /** How long an item belongs to the node that took it; a handler gets half of that. */
  readonly leaseMs?: number
  /** The most items that this node handles at once. */
  readonly batchSize?: number
  /** The most of one lane that it takes at once; it takes more when these have ended. */
  readonly laneSize?: number
  /** The wait after the first failure; it doubles each time, up to an hour. */
  readonly retryMs?: number
}

const LONGEST_RETRY_MS = 3_600_000
const CRASHED = 'The node that ran the last attempt did not say how it ended.'

export const outboxSweep: SweepTarget = {
  name: 'outbox',
  table: 'outbox',
  where: sql<boolean>`finished_at < now() - make_interval(days => 7)`,
}

export interface NewItem {
  /** A new one unless given. */
  readonly id?: string
  readonly payload: Record<string, unknown>
  /** Seconds from now, by the database's clock. */
  readonly delay?: number
  readonly lane?: string
}

/** Adds work in the transaction that causes it. */
export async function enqueue(
  tx: Tx | Db,
  topic: string,
  payload: Record<string, unknown>,
  options: Omit<NewItem, 'payload'> = {},
): Promise<void> {
  await enqueueAll(tx, topic, [{ payload, ...options }])
}

/** The same for many items. */
export async function enqueueAll(tx: Tx | Db, topic: string, items: readonly NewItem[]): Promise<void> {
  if (items.length === 0) return
  await sql`
    INSERT INTO outbox (id, topic, payload, lane, run_at)
    SELECT id, ${topic}, payload::jsonb, lane, clock_timestamp() + make_interval(secs => delay) FROM unnest(
      ${items.map(({ id = newId() }) => id)}::uuid[], ${items.map(({ payload }) => JSON.stringify(payload))}::text[],
      ${items.map(({ lane = null }) => lane)}::text[], ${items.map(({ delay = 0 }) => delay)}::float8[]
    ) AS item (id, payload, lane, delay)
  `.execute(tx)
}

/** Takes an item back: what it was for has been done. One that is being handled now is handled to its end. */
export async function withdraw(db: Tx | Db, id: string): Promise<void> {
  await db.deleteFrom('outbox').where('id', '=', id).execute()
}

export function createOutbox(options: OutboxOptions): Outbox {
  const { db, log, handlers, givenUp = {}, maxAttempts = 10, pollMs = 1_000 } = options
  const { leaseMs = 60_000, batchSize = 20, laneSize = 4, retryMs = 5_000 } = options
  const topics = Object.keys(handlers)
  const due: Due = { topics, maxAttempts }
  const inFlight = new Map<Promise<void>, OutboxItem>()
  let timer: NodeJS.Timeout | undefined
  /** When the timer runs out, on the monotonic clock. */
  let wakesAt = Number.POSITIVE_INFINITY
  let running = false
  let failing = false
  let turn = Promise.resolve()

  const giveUp = (item: OutboxItem, reason: string) =>
    transaction(db, async tx => {
      if (await recordGivenUp(tx, item, reason)) await givenUp[item.topic]?.(tx, item, reason)
    })

  const handle = async (item: OutboxItem) => {
    try {
      await runHandler(handlers[item.topic], item, leaseMs / 2)
    } catch (error) {
      const isLast = item.attempts >= maxAttempts
      log[isLast ? 'error' : 'warn'](
        { err: error, topic: item.topic, item: item.id, attempt: item.attempts },
        isLast ? 'outbox item given up' : 'outbox item failed; trying again later',
      )
      const waitMs =
        Math.min(LONGEST_RETRY_MS, retryMs * 2 ** (item.attempts - 1)) * (0.75 + Math.random() / 2)
      if (isLast) await giveUp(item, reasonOf(error))
      else await recordFailure(db, item, reasonOf(error), waitMs)
      return
    }
    await recordDone(db, item)
  }

  /** Begins what is due, as far as there is room. A promise rejects when the end of its item could not be recorded. */
  const take = async (): Promise<Promise<void>[]> => {
    for (const item of await findCrashed(db, due)) await giveUp(item, CRASHED)
    const most = batchSize - inFlight.size
    if (most <= 0) return []
    const busyLanes = [...inFlight.values()].flatMap(({ lane }) => lane ?? [])
    const items = await lease(db, { ...due, leaseMs, most, laneSize, busyLanes })
    return items.map(item => {
      const run = handle(item).finally(() => inFlight.delete(run))
      inFlight.set(run, item)
      return run
    })
  }

  const onFailure = (error: unknown) => {
    if (!failing) log.warn({ err: error }, 'the outbox cannot be worked on; trying again')
    failing = true
  }

  const work = async () => {
    try {
      const runs = await take()
      failing = false
      // The end of one makes room for the next. What could not be recorded runs again when its lease has run out.
      for (const run of runs) run.then(() => schedule(0), onFailure)
    } catch (error) {
      onFailure(error)
    }
    schedule(pollMs * (0.75 + Math.random() / 2))
  }

  const schedule = (ms: number) => {
    const at = performance.now() + ms
    if (!running || at >= wakesAt) return
    clearTimeout(timer)
    wakesAt = at
    timer = setTimeout(() => {
      wakesAt = Number.POSITIVE_INFINITY
      turn = turn.then(work)
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
      wakesAt = Number.POSITIVE_INFINITY
      await turn
      await Promise.allSettled(inFlight.keys())
    },
    async runOnce() {
      const runs = await take()
      for (const end of await Promise.allSettled(runs)) if (end.status === 'rejected') throw end.reason
      return runs.length
    },
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

function reasonOf(error: unknown): string {
  const { message } = Object(error) as { message?: unknown }
  const text = typeof message === 'string' ? message : String(error)
  return text.replaceAll('\0', '\ufffd').slice(0, 500)
}
