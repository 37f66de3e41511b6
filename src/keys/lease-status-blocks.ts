/**
 * Blocks of indexes, taken from a list in the database: the row of a block is the record of whom its indexes are for. A
 * list takes blocks for a day or until it is full; then another one is begun.
 */
import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { LIST_CAPACITY, LIST_IDS_END } from './status-reference.ts'

/** Hours that a list takes blocks. */
const OPEN_HOURS = 24
/** Seconds that a block may be used. */
export const BLOCK_USABLE = 6 * 3_600
/** Seconds that a token may be taken for alive after its expiry, by somebody else's clock. */
const MARGIN = 300
/** More than once is rare: another node took the room that was found, or has chosen the same id for a list. */
const MOST_TRIES = 20

export interface WantedBlock {
  /** Null: for tokens of grants. */
  readonly clientId: string | null
  readonly size: number
  /** Seconds that a token lives at most. */
  readonly lifetime: number
}

export interface LeasedBlock {
  readonly listId: number
  readonly first: number
}

/**
 * All of them in one statement: they come from one list, and nobody else gets these indexes.
 * @returns in the order of `wanted`
 */
export async function leaseStatusBlocks(db: Db, wanted: readonly WantedBlock[]): Promise<LeasedBlock[]> {
  let total = 0
  const offsets = wanted.map(({ size }) => {
    const offset = total
    total += size
    return offset
  })
  const longest = Math.max(...wanted.map(({ lifetime }) => lifetime))
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    // Whole hours, so that most leases leave the index on expires_at alone.
    const { rows } = await sql<{ list_id: number; first: number }>`
      WITH list AS (
        UPDATE status_list SET
          used = used + ${total}::int,
          expires_at = greatest(expires_at, date_trunc('hour', clock_timestamp()
            + make_interval(secs => ${BLOCK_USABLE + longest + MARGIN})) + interval '1 hour')
        WHERE id = (SELECT id FROM status_list WHERE ${hasRoom(total)} ORDER BY created_at, id LIMIT 1)
          AND ${hasRoom(total)}
        RETURNING id, used - ${total}::int AS start
      )
      INSERT INTO status_block (list_id, first, size, client_id, usable_until, expires_at)
      SELECT list.id, list.start + block.at, block.size, block.client_id,
        clock_timestamp() + make_interval(secs => ${BLOCK_USABLE}),
        clock_timestamp() + make_interval(secs => ${BLOCK_USABLE + MARGIN} + block.lifetime)
      FROM list, unnest(
        ${wanted.map(({ clientId }) => clientId)}::text[], ${wanted.map(({ size }) => size)}::int[],
        ${wanted.map(({ lifetime }) => lifetime)}::int[], ${offsets}::int[]
      ) AS block (client_id, size, lifetime, at)
      RETURNING list_id, first
    `.execute(db)
    if (rows.length > 0)
      return rows.map(row => ({ listId: row.list_id, first: row.first })).sort((a, b) => a.first - b.first)
    await beginList(db, total)
  }
  throw new Error('No status list has room.')
}

const hasRoom = (size: number) => sql<boolean>`
  created_at > clock_timestamp() - make_interval(hours => ${sql.lit(OPEN_HOURS)})
    AND used + ${size}::int <= ${sql.lit(LIST_CAPACITY)}`

/** Unless there is one. Nodes that come at once may begin one each: several are open then. */
async function beginList(db: Db, size: number): Promise<void> {
  await sql`
    INSERT INTO status_list (id, expires_at)
    SELECT ${randomInt(1, LIST_IDS_END)}::int, clock_timestamp() + make_interval(hours => ${sql.lit(OPEN_HOURS)})
    WHERE NOT EXISTS (SELECT 1 FROM status_list WHERE ${hasRoom(size)})
    ON CONFLICT (id) DO NOTHING
  `.execute(db)
}
