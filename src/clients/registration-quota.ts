/**
 * How many clients may register without a token: only so many that nobody has used yet, from one network and in total. A
 * client that signs a person in makes room for the next, and so does one that goes because nobody uses it
 * (oidc/unused-clients.ts). Counted by the database, exactly, however many register at once on any number of nodes.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { Problem } from '../http/problem.ts'

export const MOST_OF_NETWORK = 20
export const MOST_IN_TOTAL = 1000

/** When an unused client never goes by itself, an operator makes room. */
const SOME_TIME = 86_400

export interface QuotaQuestion {
  /** HMACs of the network, under every pepper. */
  readonly sourceHashes: readonly Buffer[]
  /** Seconds that a client lives which nobody uses; undefined: for ever. */
  readonly lifetime: number | undefined
}

/** From here to the end of the transaction nobody else registers a client without a token. */
export async function enterGate(tx: Tx): Promise<void> {
  await sql`UPDATE registration_gate SET passed_at = clock_timestamp()`.execute(tx)
}

/** @throws Problem 429 `rate_limited` with `Retry-After` */
export async function checkQuota(db: Db | Tx, { sourceHashes, lifetime }: QuotaQuestion): Promise<void> {
  const { rows } = await sql<{ here: number; total: number; here_age: number; total_age: number }>`
    SELECT count(*)::integer AS total, coalesce(max(age), 0)::float8 AS total_age,
      (count(*) FILTER (WHERE here))::integer AS here, coalesce(max(age) FILTER (WHERE here), 0)::float8 AS here_age
    FROM (
      SELECT extract(epoch FROM clock_timestamp() - created_at) AS age,
        source_hash = ANY(${[...sourceHashes]}::bytea[]) AS here
      FROM client_registration WHERE source_hash IS NOT NULL AND NOT used
    ) AS never_used
  `.execute(db)
  const [counted] = rows
  if (!counted) return
  if (counted.here >= MOST_OF_NETWORK) throw full(lifetime, counted.here_age)
  if (counted.total >= MOST_IN_TOTAL) throw full(lifetime, counted.total_age)
}

/** Until the oldest of them goes. */
function full(lifetime: number | undefined, oldest: number): Problem {
  const seconds = lifetime === undefined ? SOME_TIME : Math.max(1, Math.ceil(lifetime - oldest))
  return new Problem(
    429,
    'rate_limited',
    'Too many applications have registered that nobody has used yet. Use one of them, or come back later.',
    undefined,
    { headers: { 'Retry-After': String(seconds) } },
  )
}
