/**
 * Replacing the secret of a key or personal token. Its id, scopes and expiry stay.
 *
 * - Usually the new secret waits: the old one works until the new one was used for the first time, and then for a grace
 *   (24 hours unless said otherwise; 0 is possible). A new secret that was never used is replaced by the next rotation.
 * - Or the old one works until a date, or ends at once; then the new one counts from the beginning. What ends at once ends
 *   with everything before it that is in its grace still: whoever asks for it fears that a secret is known.
 *
 * In quarantine only the last is possible, and it stays there until it is released.
 *
 * Secrets that were replaced are remembered, the last few, so that their use after the grace is noticed.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { type FieldError, notFound, Problem, validationFailed } from '../http/problem.ts'
import { mint } from '../secrets/minted-format.ts'
import { type Actor, noteChange, refuseReplacedSecret } from './minted-actor.ts'
import { databaseTime, isWithinMaker } from './minted-bounds.ts'
import type { Minted, MintedTokenDeps } from './minted-life-cycle.ts'
import { storedSecret } from './minted-secret.ts'
import { FORMAT_OF_KIND, findMintedToken, type MintedToken } from './minted-token.ts'
import type { PendingSecret, StoredSecret } from './tables.ts'

/** At most one of `retireAt` and `immediately`, and neither with `graceSeconds`. */
export interface Rotation {
  /** How long the old secret works after the first use of the new one. */
  readonly graceSeconds?: number | undefined
  /** Until when the old secret works. */
  readonly retireAt?: Date | undefined
  /** The old secret ends now. */
  readonly immediately?: boolean | undefined
}

export const USUAL_GRACE = 86_400
const MOST_SECONDS = 366 * 86_400
/** Replaced secrets that a row remembers. */
export const REMEMBERED = 5

/** @throws Problem 404, 409 `conflict` when it has ended, 403 `access_denied`, 400 `validation_failed` */
export async function rotateMinted(
  deps: MintedTokenDeps,
  actor: Actor,
  id: string,
  rotation: Rotation,
): Promise<Minted> {
  const { db, keyring, audit, changeLog, config } = deps
  const before = await findMintedToken(db, id)
  if (!before) throw notFound()
  refuseReplacedSecret(actor)
  if (!(await isWithinMaker(deps, actor.identity, before)))
    throw new Problem(403, 'access_denied', 'The credential that asks may do less than this one.')
  const mistakes = rotationMistakes(rotation, await databaseTime(db))
  if (mistakes.length > 0) throw validationFailed(mistakes)
  const [prefix = before.prefix] = config.tokenPrefixes
  const { token: secret } = mint({ prefix, env: before.env, kind: FORMAT_OF_KIND[before.kind], id })
  const token = await transaction(db, async tx => {
    const row = await replace(tx, before, prefix, storedSecret(keyring, secret), rotation)
    if (!row) throw cannotRotate((await findMintedToken(tx, id))?.status)
    await noteChange(tx, audit, actor, row, 'rotated', {
      last4: secret.slice(-4),
      ...(rotation.immediately && { immediately: true }),
      ...(rotation.retireAt && { retire_at: rotation.retireAt.toISOString() }),
    })
    return await findMintedToken(tx, id)
  })
  await changeLog.catchUp()
  if (!token) throw notFound()
  return { token, secret }
}

/** @param status as it is now. In quarantine the secret may be known to others: then no other one waits beside it. */
export function cannotRotate(status: MintedToken['status'] | undefined): Problem {
  const message =
    status === 'quarantined'
      ? 'It is in quarantine: it can only be rotated with immediately, which ends the old secret.'
      : 'It has ended: it cannot be rotated.'
  return new Problem(409, 'conflict', message)
}

export function rotationMistakes({ graceSeconds, retireAt, immediately }: Rotation, now: Date): FieldError[] {
  const most = MOST_SECONDS
  if (retireAt && (immediately || graceSeconds !== undefined))
    return [{ path: 'retire_at', message: 'cannot be given together with immediately or grace_seconds' }]
  if (immediately && graceSeconds !== undefined)
    return [{ path: 'immediately', message: 'cannot be given together with grace_seconds' }]
  if (
    graceSeconds !== undefined &&
    !(Number.isInteger(graceSeconds) && graceSeconds >= 0 && graceSeconds <= most)
  )
    return [{ path: 'grace_seconds', message: `must be a whole number from 0 to ${most}` }]
  if (retireAt && !(retireAt > now && retireAt.getTime() <= now.getTime() + most * 1000))
    return [{ path: 'retire_at', message: 'must be in the future, within a year' }]
  return []
}

/** The secret as a replaced one, from the row's columns. */
const currentAsRetired = (until: RawBuilder<unknown>) => sql`jsonb_build_object(
  'hash', encode(secret_hash, 'hex'), 'hashed_with', hashed_with, 'last4', last4, 'until', ${until})`

const NOW = sql`clock_timestamp()`
/** A secret that was never used: nobody needs time to get used to its end. */
const PENDING_AS_RETIRED = sql`CASE WHEN pending IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(
  (pending - 'since' - 'grace_seconds') || jsonb_build_object('until', ${NOW})) END`

const RETIRED = sql`coalesce(retired, '[]'::jsonb)`
/** Those that are in their grace end now; when the others ended stays. */
const RETIRED_BY_NOW = sql`coalesce((
  SELECT jsonb_agg(CASE WHEN (one->>'until')::timestamptz > ${NOW} THEN one || jsonb_build_object('until', ${NOW}) ELSE one END
    ORDER BY place)
  FROM jsonb_array_elements(retired) WITH ORDINALITY AS each (one, place)), '[]'::jsonb)`

const remembered = (newest: RawBuilder<unknown>, before = RETIRED) => sql<string>`jsonb_path_query_array(
  ${newest} || ${before}, ${sql.lit(`$[0 to ${REMEMBERED - 1}]`)})`

async function replace(
  tx: Tx,
  { id }: MintedToken,
  prefix: string,
  fresh: StoredSecret,
  { graceSeconds = USUAL_GRACE, retireAt, immediately }: Rotation,
) {
  const waits = !retireAt && !immediately
  const until = retireAt ? sql`${retireAt}::timestamptz` : NOW
  const pending = JSON.stringify({ ...fresh, grace_seconds: graceSeconds })
  return await tx
    .updateTable('minted_token')
    .set(
      waits
        ? {
            prefix,
            pending: sql<string>`${pending}::jsonb || jsonb_build_object('since', ${NOW})`,
            retired: sql<string>`CASE WHEN pending IS NULL THEN retired ELSE ${remembered(PENDING_AS_RETIRED)} END`,
          }
        : {
            prefix,
            secret_hash: Buffer.from(fresh.hash, 'hex'),
            hashed_with: fresh.hashed_with,
            last4: fresh.last4,
            pending: null,
            retired: remembered(
              sql`jsonb_build_array(${currentAsRetired(until)}) || ${PENDING_AS_RETIRED}`,
              immediately ? RETIRED_BY_NOW : RETIRED,
            ),
          },
    )
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .$if(!immediately, query => query.where('quarantined_at', 'is', null))
    .where(eb => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`clock_timestamp()`)]))
    .returning(['id', 'account_id', 'client_id'])
    .executeTakeFirst()
}

/**
 * The first use of a secret that waited: it becomes the current one and the grace of the old one begins. Of several first
 * uses one does it.
 */
export async function activatePending(
  { db, audit, changeLog }: Pick<MintedTokenDeps, 'db' | 'audit' | 'changeLog'>,
  actor: Actor,
  id: string,
  { hash, last4 }: PendingSecret,
): Promise<void> {
  const until = sql`clock_timestamp() + make_interval(secs => (pending->>'grace_seconds')::int)`
  await transaction(db, async tx => {
    const row = await tx
      .updateTable('minted_token')
      .set({
        secret_hash: sql<Buffer>`decode(pending->>'hash', 'hex')`,
        hashed_with: sql<string>`pending->>'hashed_with'`,
        last4: sql<string>`pending->>'last4'`,
        retired: remembered(sql`jsonb_build_array(${currentAsRetired(until)})`),
        pending: null,
      })
      .where('id', '=', id)
      .where(sql<boolean>`pending->>'hash' = ${hash}`)
      .returning(['id', 'account_id', 'client_id'])
      .executeTakeFirst()
    if (row) await noteChange(tx, audit, actor, row, 'rotation_completed', { last4 })
  })
  await changeLog.catchUp()
}
