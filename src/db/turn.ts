/**
 * GROUND: whose turn it is. Work that every node would do from time to time, and one is enough: who takes the turn does it,
 * the others leave it. A turn is a lease and not a lock: it ends by itself, and work that takes longer than its lease may
 * overlap with the next turn, so it must be safe to repeat.
 */
import { sql } from 'kysely'
import type { Db } from './connect.ts'

/** @returns whether it is this caller's turn: then for nobody else's within these seconds */
export async function takeTurn(db: Db, name: string, seconds: number): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO turn (name, until) VALUES (${name}, clock_timestamp() + make_interval(secs => ${seconds}))
    ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE turn.until <= clock_timestamp()
    RETURNING name
  `.execute(db)
  return rows.length > 0
}
