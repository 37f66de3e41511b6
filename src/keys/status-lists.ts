/**
 * Status lists: which JWT access tokens have ended before their time, for whoever verifies them without asking us
 * (draft-ietf-oauth-status-list). `GET /status-lists/{id}` is a list, `GET /status-lists` names all of them. Here it is
 * decided when a document that was made may still go out; what is in it is found by the functions of revoked-indexes.ts
 * and those of rooms to the right; who gets which index is status-indexes.ts.
 *
 * A document is made when somebody asks and the last one is old, or the change log has told of anything that may be in it
 * since that one was begun. So an answer never says less than this node had read of the log when it was asked.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import type { Context, Middleware } from '../http/context.ts'
import { isUnchanged } from '../http/if-none-match.ts'
import { notFound, Problem } from '../http/problem.ts'
import { REVOCATION_CHANGE } from '../revocation/revocation.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'
import { oneByOne } from './one-by-one.ts'
import type { FindRevoked, LivingList } from './revoked-indexes.ts'
import { listSigningKeys, SIGNING_KEY_CHANGE } from './signing-keys.ts'
import { STATUS_LIFETIME, STATUS_TTL, signStatusDocument, statusBits } from './status-document.ts'
import { LIST_IDS_END, STATUS_LISTS_PATH, statusListUri } from './status-reference.ts'

export interface StatusLists {
  /** Answers everything at and below `/status-lists`. */
  readonly serve: Middleware
  /** Ends the subscriptions. */
  close(): void
}

export interface StatusListsDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly issuer: string
  readonly changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
  /** Everything that sets bits. */
  readonly revoked: readonly FindRevoked[]
}

/** Blocks go with the tokens that they were for; a list when the last of them goes. */
export const statusSweep: readonly SweepTarget[] = [
  { name: 'status lists', table: 'status_list', where: sql<boolean>`expires_at < now()` },
  { name: 'status blocks', table: 'status_block', where: sql<boolean>`expires_at < now()` },
]

/** Row types of the change log after which a list may have other bits, or another signature. */
const CHANGES = [REVOCATION_CHANGE, 'client', 'account', 'credential', SIGNING_KEY_CHANGE]
/** Kinds of revocation that set no bit. */
const ELSEWHERE: ReadonlySet<unknown> = new Set(['session'])

interface Kept {
  readonly body: Buffer
  readonly etag: string
  /** Of what it says and of the key that signed it. */
  readonly digest: string
  /** Both on the monotonic clock, in milliseconds. */
  readonly madeAt: number
  readonly checkedAt: number
  /** How many changes had been told of when it was begun. */
  readonly changes: number
}

/** Of documents in memory. */
const MOST_BYTES = 32 * 1024 * 1024
/** Where the list of lists is kept. */
const ALL = 0
const LIST_PATH = new RegExp(`^${STATUS_LISTS_PATH}/([1-9]\\d{0,9})$`)

export function createStatusLists(deps: StatusListsDeps): StatusLists {
  const { changeLog } = deps
  const kept = new Map<number, Kept>() // in order of making
  let bytes = 0
  let changes = 0

  const drop = (id: number) => {
    bytes -= kept.get(id)?.body.length ?? 0
    kept.delete(id)
  }

  const subscriptions = CHANGES.map(type =>
    changeLog.subscribe(type, ({ payload }) => {
      if (type !== REVOCATION_CHANGE || !ELSEWHERE.has(payload.kind)) changes += 1
    }),
  )

  const make = oneByOne(async (id: number): Promise<Kept | undefined> => {
    const began = { checkedAt: performance.now(), changes }
    const made = id === ALL ? await makeList(deps) : await makeDocument(deps, id, kept.get(id))
    drop(id)
    if (!made) return undefined
    const now = { ...made, ...began }
    kept.set(id, now)
    bytes += now.body.length
    for (const oldest of kept.keys()) {
      if (bytes <= MOST_BYTES) break
      drop(oldest)
    }
    return now
  })

  const isGood = (one: Kept) =>
    one.changes === changes &&
    performance.now() - one.checkedAt < STATUS_TTL * 500 &&
    // Otherwise nobody would tell us of a change.
    changeLog.isFresh()

  async function find(id: number): Promise<Kept> {
    const ready = kept.get(id)
    const found = ready && isGood(ready) ? ready : await make(id)
    if (!found) throw notFound()
    return found
  }

  return {
    serve: async (ctx, next) => {
      const isList = ctx.path === STATUS_LISTS_PATH
      const id = isList ? ALL : LIST_PATH.exec(ctx.path)?.[1]
      if (id === undefined) return next()
      ctx.set('Access-Control-Allow-Origin', '*')
      if (ctx.method === 'OPTIONS') return preflight(ctx)
      if (ctx.method !== 'GET' && ctx.method !== 'HEAD')
        throw new Problem(405, 'method_not_allowed', 'Status lists can only be read.', undefined, {
          headers: { Allow: 'GET, HEAD, OPTIONS' },
        })
      const { body, etag } = await find(Number(id))
      ctx.status = 200
      ctx.set('Access-Control-Expose-Headers', 'ETag')
      ctx.set('Cache-Control', `max-age=${STATUS_TTL}`)
      ctx.etag = etag
      ctx.type = isList ? 'application/json' : 'application/statuslist+jwt'
      if (isUnchanged(ctx)) ctx.status = 304
      else ctx.body = body
      return undefined
    },
    close() {
      for (const unsubscribe of subscriptions) unsubscribe()
    },
  }
}

function preflight(ctx: Context): void {
  ctx.set('Access-Control-Allow-Methods', 'GET')
  ctx.set('Access-Control-Allow-Headers', 'If-None-Match')
  ctx.set('Access-Control-Max-Age', '3600')
  ctx.status = 204
}

type Made = Omit<Kept, 'checkedAt' | 'changes'>

/** Undefined when there is no such list, or its last token has expired. */
async function makeDocument(
  { db, keyring, issuer, revoked }: StatusListsDeps,
  id: number,
  last: Kept | undefined,
): Promise<Made | undefined> {
  const issuedAt = new Date()
  const list = await findLivingList(db, id)
  if (!list) return undefined
  const keys = await listSigningKeys(db, keyring)
  const key = keys.find(({ alg, state }) => alg === USUAL_SIGNING_ALG && state === 'current')
  if (!key) throw new Error(`There is no current signing key for ${USUAL_SIGNING_ALG}.`)
  const ranges = []
  for (const findRevoked of revoked) ranges.push(...(await findRevoked(db, list)))
  const bits = statusBits(ranges)
  const digest = digestOf(key.kid, bits)
  // As good as a new one: who has it is told that it is still the one.
  if (last?.digest === digest && performance.now() - last.madeAt < STATUS_LIFETIME * 500) return last
  const document = {
    uri: statusListUri(issuer, id),
    aggregationUri: `${issuer}${STATUS_LISTS_PATH}`,
    bits,
    issuedAt,
  }
  return madeOf(Buffer.from(await signStatusDocument(key, document)), digest)
}

/** Section 9.3: all lists, for whoever wants to have them before their tokens come. */
async function makeList({ db, issuer }: StatusListsDeps): Promise<Made> {
  const rows = await db
    .selectFrom('status_list')
    .select('id')
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .orderBy('created_at', 'desc')
    .execute()
  const body = Buffer.from(JSON.stringify({ status_lists: rows.map(({ id }) => statusListUri(issuer, id)) }))
  return madeOf(body, '')
}

const madeOf = (body: Buffer, digest: string): Made => ({
  body,
  digest,
  etag: digestOf(body),
  madeAt: performance.now(),
})

/** Beyond any request that was under way when the list was begun. */
const SINCE = sql<Date>`created_at - interval '1 hour'`

async function findLivingList(db: Db, id: number): Promise<LivingList | undefined> {
  if (id >= LIST_IDS_END) return undefined
  return await db
    .selectFrom('status_list')
    .select(['id', SINCE.as('since')])
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .executeTakeFirst()
}

function digestOf(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('base64url').slice(0, 27)
}
