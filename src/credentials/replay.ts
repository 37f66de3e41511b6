/**
 * What may be shown once only: DPoP proofs, client assertions, signed requests. One row for each, known to every node, kept
 * until it would be refused for its age anyway; never dropped early.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import { unavailable } from '../http/problem.ts'

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

/**
 * The same for what says itself how long it is good. The database's clock decides that too: a node whose idea of the time is
 * old cannot let in again what has been forgotten.
 * @param until when nobody accepts it any more; after that it is never the first time
 */
export async function rememberUntil(db: Db | Tx, hash: Buffer, until: Date): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO replay (id_hash, expires_at)
    SELECT ${hash}, ${until}::timestamptz WHERE ${until}::timestamptz > clock_timestamp()
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

/** The same with a bound, for what anybody may send who has a good credential. */
export interface ReplayMemory {
  /** @see rememberOnce @throws Problem 503 when there is no room: nothing is forgotten early to make some */
  rememberOnce(hash: Buffer, seconds: number): Promise<boolean>
  /** @see rememberUntil @throws Problem 503 as above */
  rememberUntil(hash: Buffer, until: Date): Promise<boolean>
  /** @see isRemembered */
  isRemembered(hash: Buffer): Promise<boolean>
}

/** In between a node counts only what it writes itself: the others may go over by as much as they write meanwhile. */
const COUNT_EVERY_MS = 10_000
/** When there was no room. */
const COUNT_AGAIN_MS = 1_000

/** @param capacity how many may be remembered at a time */
export function createReplayMemory({ db, capacity }: { db: Db; capacity: number }): ReplayMemory {
  let counted: { readonly rows: number; readonly at: number } | undefined
  /** Since then, by this node. */
  let taken = 0
  let counting: Promise<void> | undefined

  async function count(): Promise<void> {
    const at = performance.now()
    const before = taken
    const { rows } = await sql<{ rows: number }>`
      SELECT count(*)::int AS rows FROM replay WHERE expires_at > now()
    `.execute(db)
    counted = { rows: rows[0]?.rows ?? 0, at }
    taken -= before
  }

  function countOnce(): Promise<void> {
    counting ??= count().finally(() => {
      counting = undefined
    })
    return counting
  }

  const age = () => performance.now() - (counted?.at ?? 0)
  const isFull = () => (counted?.rows ?? 0) + taken >= capacity

  async function takePlace(): Promise<boolean> {
    if (!counted || (isFull() && age() > COUNT_AGAIN_MS)) await countOnce()
    // While there is room nobody waits for a count, and whatever it fails of, the write fails of as well.
    else if (age() > COUNT_EVERY_MS) countOnce().catch(() => undefined)
    if (isFull()) return false
    taken += 1
    return true
  }

  async function inItsPlace(hash: Buffer, remember: () => Promise<boolean>): Promise<boolean> {
    if (await takePlace()) {
      const isFirst = await remember()
      if (!isFirst) taken -= 1
      return isFirst
    }
    if (await isRemembered(db, hash)) return false
    throw unavailable('the memory of what was shown once is full: see REPLAY_CAPACITY')
  }

  return {
    rememberOnce: (hash, seconds) => inItsPlace(hash, () => rememberOnce(db, hash, seconds)),
    rememberUntil: (hash, until) => inItsPlace(hash, () => rememberUntil(db, hash, until)),
    isRemembered: hash => isRemembered(db, hash),
  }
}
