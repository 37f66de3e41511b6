/**
 * GROUND: the rows of the outbox (outbox.ts): which are due, who has them, how they ended. `attempts` names the lease: who
 * has lost it writes nothing.
 */
import { sql } from 'kysely'
import type { Db, Tx } from './connect.ts'
import type { OutboxItem } from './outbox.ts'

export interface Due {
  readonly topics: readonly string[]
  readonly maxAttempts: number
}

export interface Leasing extends Due {
  readonly leaseMs: number
  readonly most: number
  readonly laneSize: number
  /** Nothing of these is taken. */
  readonly busyLanes: readonly string[]
}

const COLUMNS = sql`id, topic, lane, payload, attempts`

/** One statement: of two nodes that want a row, the second waits for the first, looks again and finds it leased. */
export async function lease(db: Db, leasing: Leasing): Promise<OutboxItem[]> {
  const { topics, maxAttempts, leaseMs, most, laneSize, busyLanes } = leasing
  const due = sql`finished_at IS NULL AND run_at <= now() AND (leased_until IS NULL OR leased_until < now())
    AND attempts < ${maxAttempts} AND topic = ANY (${topics})`
  const { rows } = await sql<OutboxItem>`
    UPDATE outbox
    SET attempts = attempts + 1, leased_until = clock_timestamp() + make_interval(secs => ${leaseMs / 1000})
    WHERE id IN (
      SELECT id FROM (
        SELECT id, run_at, row_number() OVER (PARTITION BY coalesce(lane, id::text) ORDER BY run_at) AS place
        FROM outbox WHERE ${due} AND (lane IS NULL OR lane <> ALL (${busyLanes}::text[]))
      ) AS waiting
      WHERE place <= ${laneSize} ORDER BY run_at LIMIT ${most}
    ) AND ${due}
    RETURNING ${COLUMNS}
  `.execute(db)
  return rows
}

/** Items whose node died during the last attempt. */
export async function findCrashed(db: Db, { topics, maxAttempts }: Due): Promise<OutboxItem[]> {
  const { rows } = await sql<OutboxItem>`
    SELECT ${COLUMNS} FROM outbox
    WHERE finished_at IS NULL AND run_at <= now() AND leased_until < now()
      AND attempts >= ${maxAttempts} AND topic = ANY (${topics})
    ORDER BY run_at LIMIT 100
  `.execute(db)
  return rows
}

export async function recordDone(db: Db, { id, attempts }: OutboxItem): Promise<void> {
  await sql`
    UPDATE outbox
    SET outcome = 'done', finished_at = clock_timestamp(), leased_until = NULL, last_error = NULL
    WHERE id = ${id} AND attempts = ${attempts} AND finished_at IS NULL
  `.execute(db)
}

export async function recordFailure(
  db: Db,
  { id, attempts }: OutboxItem,
  reason: string,
  waitMs: number,
): Promise<void> {
  await sql`
    UPDATE outbox SET leased_until = NULL, last_error = ${reason},
      run_at = clock_timestamp() + make_interval(secs => ${waitMs / 1000})
    WHERE id = ${id} AND attempts = ${attempts} AND finished_at IS NULL
  `.execute(db)
}

/** False when somebody else has ended it. */
export async function recordGivenUp(tx: Tx, { id, attempts }: OutboxItem, reason: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    UPDATE outbox SET leased_until = NULL, last_error = ${reason}, outcome = 'failed', finished_at = clock_timestamp()
    WHERE id = ${id} AND attempts = ${attempts} AND finished_at IS NULL
  `.execute(tx)
  return numAffectedRows > 0n
}
