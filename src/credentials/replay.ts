/**
 * What may be shown once only: DPoP proofs, client assertions, signed requests. One row for each, known to every node, kept
 * until it would be refused for its age anyway; never dropped early.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'

/**
 * @param hash of what must not come again, its issuer or key included: SHA-256, or anything as wide
 * @param seconds for how long it could still be accepted
 * @returns whether this is the first time: of any number of calls at once, on all nodes, one gets true
 */
export async function rememberOnce(db: Db | Tx, hash: Buffer, seconds: number): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO replay (id_hash, expires_at)
    VALUES (${hash}, clock_timestamp() + make_interval(secs => ${seconds}))
    ON CONFLICT DO NOTHING RETURNING id_hash
  `.execute(db)
  return rows.length > 0
}

/** Whether it was shown before. Remembers nothing. */
export async function isRemembered(db: Db, hash: Buffer): Promise<boolean> {
  const found = await db.selectFrom('replay').select('id_hash').where('id_hash', '=', hash).executeTakeFirst()
  return found !== undefined
}

export const replaySweep: SweepTarget = {
  name: 'what was shown once',
  table: 'replay',
  where: sql<boolean>`expires_at < now() - interval '1 minute'`,
}
