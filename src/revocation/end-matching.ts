/**
 * Ends everything that fits a filter, over all kinds of things, as far as the caller reaches. What fits is looked up once;
 * then it is ended in batches, a transaction each, so that no lock is held for long and what was ended stays ended when the
 * process dies in between: the same call again goes on.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Audit } from '../audit/audit.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { by, type Ending, type Filter, type Revocable, type Thing } from './revocable.ts'

/** On what the caller acts. */
export interface Bounds {
  readonly everywhere: boolean
  /** Things of their clients. */
  readonly organizations: readonly string[]
  /** The caller's own things. */
  readonly accountId?: string | undefined
}

export interface Matched {
  /** How many of each kind there are; kinds of which there are none are left out. */
  readonly counts: Readonly<Record<string, number>>
  readonly sample: readonly Thing[]
}

export interface EndedThings {
  readonly counts: Readonly<Record<string, number>>
  readonly total: number
  /** False: there was more than one call ends. */
  readonly complete: boolean
}

export interface EndMatching {
  /** The names of all kinds, in the order in which they are ended. */
  readonly kinds: readonly string[]
  look(filter: Filter, bounds: Bounds): Promise<Matched>
  /** Refused here when the promise resolves; elsewhere once the change log was read. */
  end(filter: Filter, bounds: Bounds, ending: Ending): Promise<EndedThings>
}

export interface EndMatchingDeps {
  readonly db: Db
  readonly audit: Pick<Audit, 'record'>
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
  /** Sessions before grants: while a session is alive it may get another grant. */
  readonly revocables: readonly Revocable[]
}

export const EVERYWHERE: Bounds = { everywhere: true, organizations: [] }

const SAMPLE = 20
const BATCH = 500
/** Of one kind, in one call. */
const MOST = 50_000
/** Of one batch, when others change the same rows. */
const MOST_TRIES = 3

export function createEndMatching({ db, audit, changeLog, revocables }: EndMatchingDeps): EndMatching {
  const chosen = ({ kinds }: Filter) => revocables.filter(({ kind }) => kinds?.includes(kind) ?? true)

  async function find(
    { kind, living }: Revocable,
    filter: Filter,
    bounds: Bounds,
    limit: number,
  ): Promise<Thing[]> {
    const source = living(filter)
    if (!source) return []
    const { rows } = await sql<Omit<Thing, 'kind'>>`
      SELECT id, key, account_id AS "accountId", client_id AS "clientId", issued_at AS "issuedAt"
      FROM (${source}) AS thing WHERE ${fits(filter)} AND ${within(bounds)}
      ORDER BY issued_at, id LIMIT ${limit}
    `.execute(db)
    return rows.map(row => ({ kind, ...row }))
  }

  async function count({ living }: Revocable, filter: Filter, bounds: Bounds): Promise<number> {
    const source = living(filter)
    if (!source) return 0
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::int AS count FROM (${source}) AS thing WHERE ${fits(filter)} AND ${within(bounds)}
    `.execute(db)
    return rows[0]?.count ?? 0
  }

  async function endBatch(revocable: Revocable, batch: readonly Thing[], ending: Ending): Promise<number> {
    for (let tries = 1; ; tries++) {
      try {
        return await transaction(db, tx => revocable.end(tx, batch, ending))
      } catch (error) {
        if (!isDeadlock(error) || tries >= MOST_TRIES) throw error
      }
    }
  }

  return {
    kinds: revocables.map(({ kind }) => kind),

    async look(filter, bounds) {
      const counts: Record<string, number> = {}
      const sample: Thing[] = []
      for (const revocable of chosen(filter)) {
        const matched = await count(revocable, filter, bounds)
        if (matched === 0) continue
        counts[revocable.kind] = matched
        if (sample.length < SAMPLE)
          sample.push(...(await find(revocable, filter, bounds, SAMPLE - sample.length)))
      }
      return { counts, sample }
    },

    async end(filter, bounds, ending) {
      const counts: Record<string, number> = {}
      let complete = true
      for (const revocable of chosen(filter)) {
        const things = await find(revocable, filter, bounds, MOST)
        if (things.length === MOST) complete = false
        let ended = 0
        for (let at = 0; at < things.length; at += BATCH)
          ended += await endBatch(revocable, things.slice(at, at + BATCH), ending)
        if (ended > 0) counts[revocable.kind] = ended
      }
      const total = Object.values(counts).reduce((sum, one) => sum + one, 0)
      if (total > 0)
        await audit.record(db, {
          type: 'revocation_by_filter',
          outcome: 'success',
          ...by(ending),
          detail: { reason: ending.reason, filter: describe(filter), ended: counts },
        })
      await changeLog.catchUp()
      return { counts, total, complete }
    },
  }
}

/** SQL over the columns of things. */
function fits(filter: Filter): RawBuilder<boolean> {
  const { issuedBefore, lastAddress, pepperVersion } = filter
  const conditions = [
    [filter.credentialId, 'id', 'text'],
    [filter.grantId, 'grant_id', 'text'],
    [filter.sessionId, 'session_id', 'text'],
    [filter.accountId, 'account_id', 'uuid'],
    [filter.clientId, 'client_id', 'text'],
    [filter.organization, 'organization_id', 'text'],
    [filter.env, 'env', 'text'],
  ].flatMap(([value, column = '', type = '']) =>
    value === undefined ? [] : [sql<boolean>`${sql.ref(column)} = ${value}::${sql.raw(type)}`],
  )
  if (issuedBefore) conditions.push(sql`issued_at < ${issuedBefore}::timestamptz`)
  if (lastAddress) conditions.push(sql`address <<= ${lastAddress.text}::cidr`)
  if (pepperVersion !== undefined) conditions.push(sql`${pepperVersion}::text = ANY(pepper_ids)`)
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` AND `)
}

function within({ everywhere, organizations, accountId }: Bounds): RawBuilder<boolean> {
  if (everywhere) return sql`true`
  const own = accountId === undefined ? sql`false` : sql`account_id = ${accountId}::uuid`
  return sql`(organization_id = ANY(${[...organizations]}::text[]) OR ${own})`
}

const describe = ({ lastAddress, ...rest }: Filter) => ({
  ...rest,
  ...(lastAddress && { lastAddress: lastAddress.text }),
})

const isDeadlock = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === '40P01' || error.code === '40001')
