/**
 * How credentials are used: when and from where last, and how often by hour and outcome. Collected in memory and written
 * once a second; who verifies writes nothing. A process that is killed loses a second of it.
 */
import { isIP } from 'node:net'
import { sql } from 'kysely'
import { type Batches, createBatches } from '../db/batches.ts'
import type { Db } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import { isUnavailable } from '../db/unavailable.ts'
import type { Logger } from '../log.ts'

export type UsageOutcome = 'success' | 'refused'

export interface UsageOfHour {
  /** When the hour began. */
  readonly at: Date
  readonly outcome: UsageOutcome
  readonly count: number
}

export interface Use {
  readonly outcome: UsageOutcome
  readonly address?: string | undefined
  readonly userAgent?: string | undefined
}

/** What the database cannot take now keeps waiting. */
export interface Usage extends Batches {
  /** In the next batch. Never waits and never throws. */
  note(credentialId: string, use: Use): void
}

const BATCH_SIZE = 1_000
/** Credentials that may wait in memory; a new one is then not counted. */
const MOST_WAITING = 100_000
const USER_AGENT_LENGTH = 200
const KEPT_DAYS = 400

export const usageSweep: readonly SweepTarget[] = [
  {
    name: 'credential usage',
    table: 'credential_usage',
    where: sql<boolean>`hour < now() - make_interval(days => ${sql.lit(KEPT_DAYS)})`,
  },
]

/** By hour, oldest first; hours without a use are left out. */
export async function usageOf(
  db: Db,
  credentialId: string,
  { days = 30 }: { days?: number } = {},
): Promise<UsageOfHour[]> {
  const rows = await db
    .selectFrom('credential_usage')
    .select(['hour', 'outcome', 'count'])
    .where('credential_id', '=', credentialId)
    .where('hour', '>', sql<Date>`now() - make_interval(days => ${days})`)
    .orderBy('hour')
    .orderBy('outcome')
    .execute()
  return rows.map(({ hour, outcome, count }) => ({ at: hour, outcome, count: Number(count) }))
}

interface Waiting {
  success: number
  refused: number
  /** On the monotonic clock: when the first of these uses was. */
  readonly since: number
  last?: { readonly at: number; readonly address: string | null; readonly userAgent: string | null }
}

export function createUsage({ db, log }: { db: Db; log: Logger }): Usage {
  let waiting = new Map<string, Waiting>()
  let failing = false

  const write = async () => {
    const taken = waiting
    waiting = new Map()
    const entries = [...taken]
    for (let at = 0; at < entries.length; at += BATCH_SIZE) {
      const batch = entries.slice(at, at + BATCH_SIZE)
      try {
        await writeBatch(db, batch)
        failing = false
      } catch (error) {
        if (!failing) log.warn({ err: error }, 'the use of credentials cannot be written; trying again')
        failing = true
        // A second try counts twice what a lost answer had counted: better than not at all, and no more than that.
        if (isUnavailable(error)) for (const [id, uses] of entries.slice(at)) putBack(id, uses)
        return
      }
    }
  }

  const putBack = (id: string, uses: Waiting) => {
    const newer = waiting.get(id)
    const last = newer?.last ?? uses.last
    waiting.set(id, {
      success: uses.success + (newer?.success ?? 0),
      refused: uses.refused + (newer?.refused ?? 0),
      since: uses.since,
      ...(last && { last }),
    })
  }

  return {
    note(credentialId, { outcome, address, userAgent }) {
      let uses = waiting.get(credentialId)
      if (!uses) {
        if (waiting.size >= MOST_WAITING) return
        uses = { success: 0, refused: 0, since: performance.now() }
        waiting.set(credentialId, uses)
      }
      uses[outcome] += 1
      if (outcome === 'success')
        uses.last = { at: performance.now(), address: address ?? null, userAgent: userAgent ?? null }
    },
    ...createBatches(write),
  }
}

/** Times are the database's, less how long a use waited here. Rows in one order, so that two nodes never wait in a ring. */
async function writeBatch(db: Db, batch: readonly (readonly [string, Waiting])[]): Promise<void> {
  const now = performance.now()
  const sorted = [...batch].sort(([a], [b]) => (a < b ? -1 : 1))
  const counts = sorted.flatMap(([id, uses]) =>
    (['refused', 'success'] as const)
      .filter(outcome => uses[outcome] > 0)
      .map(outcome => ({ id, outcome, count: uses[outcome], age: (now - uses.since) / 1000 })),
  )
  const lasts = sorted.flatMap(([id, { last }]) =>
    last ? [{ id, ...last, age: (now - last.at) / 1000 }] : [],
  )
  await sql`
    WITH counted AS (
      INSERT INTO credential_usage AS u (credential_id, outcome, count, hour)
      SELECT id, outcome, count, date_trunc('hour', clock_timestamp() - make_interval(secs => age))
      FROM unnest(
        ${counts.map(({ id }) => id)}::text[], ${counts.map(({ outcome }) => outcome)}::text[],
        ${counts.map(({ count }) => count)}::bigint[], ${counts.map(({ age }) => age)}::float8[]
      ) AS given (id, outcome, count, age)
      ON CONFLICT (credential_id, hour, outcome) DO UPDATE SET count = u.count + excluded.count
    )
    INSERT INTO credential_last_use AS l (credential_id, used_at, address, user_agent)
    SELECT id, clock_timestamp() - make_interval(secs => age), address::inet, user_agent
    FROM unnest(
      ${lasts.map(({ id }) => id)}::text[], ${lasts.map(({ age }) => age)}::float8[],
      ${lasts.map(({ address }) => storableAddress(address))}::text[],
      ${lasts.map(({ userAgent }) => storableText(userAgent))}::text[]
    ) AS given (id, age, address, user_agent)
    ON CONFLICT (credential_id) DO UPDATE
    SET used_at = excluded.used_at, address = excluded.address, user_agent = excluded.user_agent
    WHERE l.used_at < excluded.used_at
  `.execute(db)
}

/** Without the zone of a link-local address, which `inet` does not know. */
function storableAddress(address: string | null): string | null {
  const [plain = ''] = (address ?? '').split('%')
  return isIP(plain) === 0 ? null : plain
}

function storableText(text: string | null): string | null {
  return text === null ? null : text.slice(0, USER_AGENT_LENGTH).toWellFormed().replaceAll('\0', '\ufffd')
}
