/**
 * GROUND: deletes rows that have expired, in small batches so that no lock is held for long. Rooms say what has expired;
 * nothing may rely on a row being gone: whoever reads checks the expiry itself. Several nodes may sweep at once.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import type { Logger } from '../log.ts'
import type { Db } from './connect.ts'
import type { Tables } from './tables.ts'

export interface SweepTarget {
  /** For the log. */
  readonly name: string
  readonly table: keyof Tables
  /**
   * SQL over the table's columns that says which rows go. Use `now()`, never `clock_timestamp()`: that one cannot use an
   * index.
   */
  readonly where: RawBuilder<boolean>
}

/** For what is not done with by deleting rows. */
export interface SweepTask {
  /** For the log. */
  readonly name: string
  /** Several nodes may run it at once. @returns how many went */
  run(isStopping: () => boolean): Promise<number>
}

export interface Sweeper {
  register(...targets: (SweepTarget | SweepTask)[]): void
  start(): void
  /** Waits for the batch that is running. */
  stop(): Promise<void>
  /** @returns how many rows went. */
  runOnce(): Promise<number>
}

export interface SweeperOptions {
  readonly db: Db
  readonly log: Logger
  readonly everyMs?: number
  /** Most rows of one statement. */
  readonly batchSize?: number
}

const EVERY_MS = 60_000
const BATCH_SIZE = 500
/** Between batches, so that requests get their turn on a small pool. */
const PAUSE_MS = 10

export function createSweeper(options: SweeperOptions): Sweeper {
  const { db, log, everyMs = EVERY_MS, batchSize = BATCH_SIZE } = options
  const targets: (SweepTarget | SweepTask)[] = []
  let timer: NodeJS.Timeout | undefined
  let running = false
  let stopping = false
  let run: Promise<number> | undefined

  const sweepAll = async () => {
    let total = 0
    for (const target of targets) {
      try {
        const isStopping = () => stopping
        const deleted = await ('run' in target
          ? target.run(isStopping)
          : sweep(db, target, batchSize, isStopping))
        if (deleted > 0) log.debug({ swept: target.name, rows: deleted }, 'expired rows deleted')
        total += deleted
      } catch (error) {
        log.warn({ err: error, swept: target.name }, 'expired rows could not be deleted; trying again later')
      }
    }
    return total
  }

  const runOnce = () => {
    run ??= sweepAll().finally(() => {
      run = undefined
    })
    return run
  }

  // Nodes that start together must not sweep together for ever.
  const schedule = () => {
    timer = setTimeout(
      async () => {
        await runOnce()
        if (running) schedule()
      },
      everyMs * (0.75 + Math.random() / 2),
    )
  }

  return {
    register(...more) {
      targets.push(...more)
    },
    start() {
      if (running) return
      running = true
      stopping = false
      schedule()
    },
    async stop() {
      running = false
      stopping = true
      clearTimeout(timer)
      await run
    },
    runOnce,
  }
}

async function sweep(
  db: Db,
  { table, where }: SweepTarget,
  batchSize: number,
  isStopping: () => boolean,
): Promise<number> {
  let total = 0
  for (;;) {
    // The condition stands twice because a row that another transaction has just prolonged is looked at again, and not
    // every minor release of Postgres then compares the ctid.
    const { numAffectedRows = 0n } = await sql`
      DELETE FROM ${sql.table(table)}
      WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${sql.table(table)} WHERE ${where} LIMIT ${batchSize})) AND (${where})
    `.execute(db)
    total += Number(numAffectedRows)
    if (numAffectedRows < batchSize || isStopping()) return total
    await sleep(PAUSE_MS)
  }
}
