/**
 * When one signing key follows another. Every algorithm has a current key, which signs, and a next one, which has been in
 * the JWKS since the last rotation: whoever keeps the JWKS for as long as its Cache-Control says has the next key before
 * it signs. A previous key stays until the last token that it signed has ended. All times are the database's.
 *
 * Every step is one transaction that is safe to repeat, and of two nodes that take it at once one does nothing.
 */
import { sql } from 'kysely'
import type { Audit, AuditEvent } from '../audit/audit.ts'
import { appendChanges } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { notFound } from '../http/problem.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { SIGNING_ALGS, type SigningAlg } from '../secrets/signing-alg.ts'
import { addSigningKey, createMissingKeys, makeSealedKey, SIGNING_KEY_CHANGE } from './signing-keys.ts'

/** Seconds: the `max-age` of the JWKS (OpenID Connect Discovery leaves it to the server). */
export const JWKS_MAX_AGE = 600

/**
 * Seconds that a key has been published before it signs. The minute more is for the transaction that made it (10 s), nodes
 * that have not heard of it (3 s, then they ask), and answers that are under way.
 */
export const PUBLISHED_BEFORE_USE = JWKS_MAX_AGE + 60

/** Seconds that a previous key stays after its last token: other clocks, and nodes that heard late that it is previous. */
const KEPT_AFTER_USE = 300

/** When a new key may sign, and when the present one has signed for its time. */
export interface RotationDeps {
  readonly db: Db
  readonly keyring: Keyring
  readonly audit: Pick<Audit, 'record'>
  readonly config: { readonly signingKeyLifetime: number | undefined }
  /** Seconds: the longest life of what is signed and no resource decides about, such as ID tokens. */
  readonly longestTokenLifetime: number
  /** Seconds: for so long an ID token may come back as a hint, to sign somebody out for instance. */
  readonly longestSession: number
}

/** Who does it and from where, for the audit. */
export type Rotator = Pick<AuditEvent, 'actor' | 'credential' | 'source'>

/** Does what is due: keys follow their predecessors, and old ones go. @returns whether anything happened */
export async function moveSigningKeys(deps: RotationDeps): Promise<boolean> {
  const moved = await transaction(deps.db, async tx => {
    const followed = await followDue(tx, deps)
    const gone = await retireExpired(tx, deps)
    return followed + gone > 0
  })
  // Also when nothing was due: a node may have died between the two.
  await createMissingKeys(deps.db, deps.keyring)
  return moved
}

/**
 * The next key becomes the current one: now, when it has been published for long enough, else as soon as it has.
 * @param alg undefined: of every algorithm
 */
export async function rotateSigningKeys(
  deps: RotationDeps,
  by: Rotator,
  alg: SigningAlg | undefined,
): Promise<void> {
  await transaction(deps.db, async tx => {
    const wanted = await tx
      .updateTable('signing_key')
      .set({ rotate_requested_at: sql<Date>`clock_timestamp()` })
      .where('state', '=', 'current')
      .where('alg', 'in', alg === undefined ? SIGNING_ALGS : [alg])
      .where('rotate_requested_at', 'is', null)
      .returning(['kid', 'alg'])
      .execute()
    for (const key of wanted)
      await deps.audit.record(tx, event(by, 'signing_key_rotation_requested', key.kid, { alg: key.alg }))
    await followDue(tx, deps)
  })
  await createMissingKeys(deps.db, deps.keyring)
}

/**
 * For a key that somebody else may have: it is out of the JWKS at once, and whatever it signed is refused online, on every
 * node that has read the change log. If it was the current one, the next key signs from now on, whether everybody knows
 * it yet or not.
 * @throws Problem 404 when there is no such key
 */
export async function endSigningKey(deps: RotationDeps, by: Rotator, kid: string): Promise<void> {
  const key = await deps.db
    .selectFrom('signing_key')
    .select('alg')
    .where('kid', '=', kid)
    .where('alg', 'in', SIGNING_ALGS)
    .executeTakeFirst()
  if (!key) throw noSuchKey()
  const spare = await makeSealedKey(deps.keyring, key.alg)
  await transaction(deps.db, async tx => {
    const ended = await tx
      .deleteFrom('signing_key')
      .where('kid', '=', kid)
      .returning(['alg', 'state'])
      .executeTakeFirst()
    if (!ended) throw noSuchKey()
    if (ended.state === 'current' && !(await activateNext(tx, ended.alg)))
      await addSigningKey(tx, spare, 'current')
    // When it was used above, its name is taken and nothing happens here.
    if (ended.state === 'current' || ended.state === 'next') await addSigningKey(tx, spare, 'next')
    await appendChanges(tx, SIGNING_KEY_CHANGE, [{ kid }])
    await deps.audit.record(tx, event(by, 'signing_key_revoked', kid, ended))
  })
  await createMissingKeys(deps.db, deps.keyring)
}

const noSuchKey = () => notFound('There is no signing key with this kid.')

const event = (
  by: Rotator,
  type: string,
  kid: string,
  detail: NonNullable<AuditEvent['detail']>,
): AuditEvent => ({ ...by, type, outcome: 'success', subject: { type: 'signing_key', id: kid }, detail })

/** @returns how many keys were followed by another */
async function followDue(
  tx: Tx,
  { audit, config: { signingKeyLifetime }, longestTokenLifetime }: RotationDeps,
): Promise<number> {
  const { rows } = await sql<{ kid: string; alg: SigningAlg; next: string }>`
    UPDATE signing_key AS old
    SET state = 'previous', retired_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(
      secs => ${KEPT_AFTER_USE} + greatest(${longestTokenLifetime}::integer, (
        SELECT max(greatest(access_token_lifetime, longest_access_token_lifetime)) FROM resource)))
    FROM signing_key AS new
    WHERE old.state = 'current' AND old.alg = ANY (${[...SIGNING_ALGS]}::text[])
      AND (old.rotate_requested_at IS NOT NULL OR coalesce(old.activated_at, old.created_at)
        <= clock_timestamp() - make_interval(secs => ${signingKeyLifetime ?? null}::integer))
      AND new.state = 'next' AND new.alg = old.alg
      AND new.created_at <= clock_timestamp() - make_interval(secs => ${PUBLISHED_BEFORE_USE})
    RETURNING old.kid, old.alg, new.kid AS next
  `.execute(tx)
  for (const { kid, alg, next } of rows) {
    if ((await activateNext(tx, alg)) !== next) throw new Error(`The next signing key for ${alg} is another.`)
    await audit.record(
      tx,
      event({ actor: { type: 'system' } }, 'signing_key_rotated', next, { alg, from: kid }),
    )
  }
  await appendChanges(
    tx,
    SIGNING_KEY_CHANGE,
    rows.map(({ kid }) => ({ kid })),
  )
  return rows.length
}

/** @returns its kid; undefined: there is none */
async function activateNext(tx: Tx, alg: SigningAlg): Promise<string | undefined> {
  const key = await tx
    .updateTable('signing_key')
    .set({ state: 'current', activated_at: sql<Date>`clock_timestamp()` })
    .where('alg', '=', alg)
    .where('state', '=', 'next')
    .returning('kid')
    .executeTakeFirst()
  return key?.kid
}

/** Out of the JWKS, and its private half is gone for good. @returns how many */
async function retireExpired(tx: Tx, { longestSession }: RotationDeps): Promise<number> {
  const retired = await tx
    .updateTable('signing_key')
    .set({
      state: 'retired',
      sealed_private_jwk: '',
      expires_at: sql<Date>`clock_timestamp() + make_interval(secs => ${longestSession})`,
    })
    .where('state', '=', 'previous')
    .where('expires_at', '<=', sql<Date>`clock_timestamp()`)
    .returning('kid')
    .execute()
  const gone = await tx
    .deleteFrom('signing_key')
    .where('state', '=', 'retired')
    .where('expires_at', '<=', sql<Date>`clock_timestamp()`)
    .returning('kid')
    .execute()
  await appendChanges(tx, SIGNING_KEY_CHANGE, [...retired, ...gone])
  return retired.length + gone.length
}
