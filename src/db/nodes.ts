/**
 * GROUND: the processes that serve on this database, so that whoever ends something can wait until none of them takes it
 * any more (`?wait=all`, http/wait-all.ts). It owns `node`: a row per process with its heartbeat and how far it has read
 * the change log.
 *
 * A node that is silent for 3 s is not waited for. That is safe because it distrusts itself by then: its own clock is ahead
 * of what others see of it, and without a heartbeat of its own the change log is not fresh and its caches are not
 * believed. Having been away, it believes them again only after a read that began when others could see it again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Logger } from '../log.ts'
import type { ChangeLog } from './change-log.ts'
import type { Db } from './connect.ts'
import { newId } from './id.ts'
import type { SweepTarget } from './sweep.ts'

export interface Nodes {
  /** Others see this node when it resolves, and it trusts its caches. Start the change log before. */
  start(): Promise<void>
  /** Nobody waits for this node any more, and it distrusts its caches. Stop the change log after. */
  stop(): Promise<void>
}

export interface NodesOptions {
  readonly db: Db
  readonly changeLog: Pick<ChangeLog, 'bindTo' | 'followReads' | 'catchUp'>
  readonly log: Logger
  /** Monotonic milliseconds: the change log's. */
  readonly clock?: () => number
  readonly heartbeatMs?: number
}

const HEARTBEAT_MS = 1_000
const SILENT_SECONDS = 3
/** A little less than others wait, on its own clock. */
const LEASE_MS = SILENT_SECONDS * 1_000 - 100
const ASK_AGAIN_MS = 20

export const nodeSweep: SweepTarget = {
  name: 'node',
  table: 'node',
  where: sql<boolean>`seen_at < now() - interval '1 hour'`,
}

export function createNodes(options: NodesOptions): Nodes {
  const { db, changeLog, log, clock = () => performance.now(), heartbeatMs = HEARTBEAT_MS } = options
  const id = newId()
  let lease: { readonly since: number; readonly until: number } | undefined
  let polledAt: Date | undefined
  let deliveredBefore = false
  let running = false
  let writing: Promise<void> | undefined
  let writeAgain = false
  let failing = false
  let timer: NodeJS.Timeout | undefined

  const holds = () => lease !== undefined && clock() < lease.until

  async function write(): Promise<void> {
    const began = clock()
    const read = polledAt ?? new Date(0)
    await sql`
      INSERT INTO node (id, seen_at, polled_at) VALUES (${id}, clock_timestamp(), ${read})
      ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), polled_at = excluded.polled_at
    `.execute(db)
    lease = { since: holds() && lease ? lease.since : clock(), until: began + LEASE_MS }
    failing = false
  }

  /** One write at a time; what happens meanwhile is written next. */
  function beat(): void {
    writeAgain = true
    writing ??= (async () => {
      while (writeAgain && running) {
        writeAgain = false
        try {
          await write()
        } catch (error) {
          if (!failing) log.warn({ err: error }, 'the heartbeat of this node cannot be written; trying again')
          failing = true
        }
      }
      writing = undefined
    })()
  }

  changeLog.bindTo(() => (running && holds() ? lease?.since : undefined))
  changeLog.followReads(({ databaseTime, delivered }) => {
    polledAt = databaseTime
    // Also after the next read: the one that delivered a change may have begun before the wait for it did.
    if (running && (delivered > 0 || deliveredBefore)) beat()
    deliveredBefore = delivered > 0
  })

  return {
    async start() {
      if (running) return
      await write()
      running = true
      timer = setInterval(beat, heartbeatMs)
      await changeLog.catchUp()
    },
    async stop() {
      if (!running) return
      running = false
      clearInterval(timer)
      await writing
      lease = undefined
      try {
        await db.deleteFrom('node').where('id', '=', id).execute()
      } catch (error) {
        log.debug({ err: error }, 'the row of this node stays until it is swept')
      }
    },
  }
}

export interface Waited {
  /** The newest row of the change log when the wait began: everything up to there is known to the nodes that acknowledged. */
  readonly position: string
  readonly nodes: { readonly live: number; readonly acknowledged: number }
  readonly tookMs: number
  /** False: the time was over before all had acknowledged. */
  readonly complete: boolean
}

/**
 * Waits until every node has read everything that had committed before the call. Not inside a transaction.
 * @param timeoutSeconds 0: asks once
 * @throws when the database cannot be read
 */
export async function waitForAll(
  db: Db,
  { timeoutSeconds }: { readonly timeoutSeconds: number },
): Promise<Waited> {
  const began = performance.now()
  // Text keeps the microseconds.
  const { rows } = await sql<{ began_at: string; position: string }>`
    SELECT clock_timestamp()::text AS began_at,
      coalesce((SELECT max(id) FROM change_log), 0)::text AS position
  `.execute(db)
  const [{ began_at, position } = { began_at: '', position: '0' }] = rows
  for (;;) {
    const nodes = await countNodes(db, began_at)
    const tookMs = Math.round(performance.now() - began)
    const complete = nodes.acknowledged === nodes.live
    if (complete || tookMs >= timeoutSeconds * 1_000) return { position, nodes, tookMs, complete }
    await sleep(ASK_AGAIN_MS)
  }
}

async function countNodes(db: Db, since: string): Promise<Waited['nodes']> {
  const { rows } = await sql<Waited['nodes']>`
    SELECT count(*)::int AS live, (count(*) FILTER (WHERE polled_at >= ${since}::timestamptz))::int AS acknowledged
    FROM node WHERE seen_at > clock_timestamp() - make_interval(secs => ${SILENT_SECONDS})
  `.execute(db)
  return rows[0] ?? { live: 0, acknowledged: 0 }
}
