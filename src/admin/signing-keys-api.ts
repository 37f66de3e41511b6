/**
 * `/v1/signing-keys`: the keys that sign tokens, and their rotation. They are the operator's and belong to no organization:
 * an administrator has both scopes, a role may give them, and a client has them when an administrator put them into its
 * ceiling. Private keys are in no answer.
 */
import { z } from 'zod'
import { apiRoute } from '../credentials/api-caller.ts'
import type { Identity } from '../credentials/kind.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import { type Context, sourceOf } from '../http/context.ts'
import { validationFailed } from '../http/problem.ts'
import { timeOut } from '../http/time-schema.ts'
import {
  endSigningKey,
  PUBLISHED_BEFORE_USE,
  type RotationDeps,
  type Rotator,
  rotateSigningKeys,
} from '../keys/rotate-signing-keys.ts'
import { type SigningKeyRow, selectSigningKeys } from '../keys/signing-keys.ts'
import { SIGNING_ALGS } from '../secrets/signing-alg.ts'

export interface SigningKeyRouteDeps extends RotationDeps {
  readonly changeLog: Pick<ChangeLog, 'catchUp'>
}

const PATH = '/v1/signing-keys'

const signingKeyObject = z
  .strictObject({
    kid: z.string(),
    alg: z.enum(SIGNING_ALGS),
    state: z.enum(['next', 'current', 'previous']),
    created_at: timeOut.describe('It has been in the JWKS since then'),
    activated_at: timeOut.nullable().describe('It has signed since then'),
    retired_at: timeOut.nullable().describe('It has signed nothing since then'),
    usable_at: timeOut.nullable().describe('Of the next one: it may sign from then on'),
    rotates_at: timeOut.nullable().describe('Of the current one: the next one is to take over then'),
    expires_at: timeOut.nullable().describe('Of a previous one: it leaves the JWKS then'),
  })
  .meta({ id: 'SigningKey' })

const signingKeyList = z.strictObject({ data: z.array(signingKeyObject), next_cursor: z.null() })

const rotation = z.strictObject({
  alg: z.enum(SIGNING_ALGS).optional().describe('Only the key of this algorithm; absent: of all'),
  emergency: z.boolean().default(false).describe('Somebody else may have the key: it ends now'),
  kid: z.string().max(100).optional().describe('Which key ends; only with `emergency`'),
})

const rotated = z.strictObject({
  data: z.array(signingKeyObject),
  revoked: z.int().describe('How many keys have ended'),
})

export function signingKeyRoutes(deps: SigningKeyRouteDeps) {
  const { db, changeLog } = deps
  return [
    apiRoute({
      method: 'get',
      path: PATH,
      summary: 'The keys that sign tokens: current, next and previous ones. For the operator',
      scope: 'signing-keys:read',
      status: 200,
      response: signingKeyList,
      answer: async () => ({ data: await listKeys(db, deps), next_cursor: null }),
    }),
    apiRoute({
      method: 'post',
      path: `${PATH}/rotate`,
      summary:
        'Let the next key sign, as soon as it has been published for long enough; with `emergency`, end a key at once',
      scope: 'signing-keys:write',
      status: 200,
      revokes: true,
      body: rotation,
      response: rotated,
      async answer({ caller, ctx, body: { alg, emergency, kid } }) {
        const by = rotatorOf(caller, ctx)
        if (emergency) await endSigningKey(deps, by, keyToEnd(kid, alg))
        else if (kid !== undefined)
          throw validationFailed([{ path: 'kid', message: 'goes with emergency only' }])
        else await rotateSigningKeys(deps, by, alg)
        await changeLog.catchUp()
        return { data: await listKeys(db, deps), revoked: emergency ? 1 : 0 }
      },
    }),
  ]
}

/** @throws Problem 400 unless it says one key */
function keyToEnd(kid: string | undefined, alg: string | undefined): string {
  if (kid === undefined) throw validationFailed([{ path: 'kid', message: 'is missing: say which key ends' }])
  if (alg !== undefined) throw validationFailed([{ path: 'alg', message: 'goes without emergency only' }])
  return kid
}

const rotatorOf = (caller: Identity, ctx: Context): Rotator => ({
  actor: caller.subject,
  credential: { kind: caller.kind, id: caller.credentialId },
  source: sourceOf(ctx),
})

async function listKeys(db: Db, { config }: Pick<RotationDeps, 'config'>) {
  const rows = await selectSigningKeys(db)
  return rows.map(row => ({
    kid: row.kid,
    alg: row.alg,
    state: row.state,
    created_at: row.created_at.toISOString(),
    activated_at: text(row.activated_at),
    retired_at: text(row.retired_at),
    usable_at: row.state === 'next' ? usableAt(row).toISOString() : null,
    rotates_at: row.state === 'current' ? text(rotatesAt(row, rows, config.signingKeyLifetime)) : null,
    expires_at: text(row.expires_at),
  }))
}

const text = (date: Date | null) => (date === null ? null : date.toISOString())

const later = (date: Date, seconds: number) => new Date(date.getTime() + seconds * 1000)

const usableAt = ({ created_at: publishedAt }: SigningKeyRow) => later(publishedAt, PUBLISHED_BEFORE_USE)

/** Not before the next one may sign. null: nobody knows. */
function rotatesAt(
  current: SigningKeyRow,
  rows: readonly SigningKeyRow[],
  lifetime: number | undefined,
): Date | null {
  const { rotate_requested_at: requested, activated_at: activated, created_at: created } = current
  const due = requested ?? (lifetime === undefined ? null : later(activated ?? created, lifetime))
  const next = rows.find(({ alg, state }) => alg === current.alg && state === 'next')
  if (!due || !next) return due
  const usable = usableAt(next)
  return due > usable ? due : usable
}
