/** A client's secrets: several at a time, so that one can be replaced without a pause, each with an end if it is given one. */
import { sql } from 'kysely'
import { changed } from '../clients/client.ts'
import type { ShownSecret } from '../clients/client-list.ts'
import { isPublic, keepsSecret } from '../clients/client-rules.ts'
import { createClientSecret } from '../clients/client-secret.ts'
import { lockClient } from '../clients/client-state.ts'
import { refuseReplacedSecret } from '../credentials/minted-actor.ts'
import type { Tx } from '../db/connect.ts'
import { notFound, Problem, validationFailed } from '../http/problem.ts'
import { type Actor, change, type DeveloperDeps, recordChange } from './change.ts'
import { getOwnClient } from './register-client.ts'
import { refuseRising } from './rising.ts'

/** How long a replaced secret still works, unless said otherwise. */
export const GRACE_SECONDS = 86_400
export const MAX_GRACE_SECONDS = 90 * 86_400
const MAX_SECRETS = 10

export interface MadeSecret {
  readonly shown: ShownSecret
  /** Shown this once. */
  readonly secret: string
}

/** What a rotation does to the secret it replaces; without any of it, it works for another day. */
export interface SecretRotation {
  readonly grace_seconds?: number | undefined
  readonly retire_at?: Date | undefined
  readonly immediately?: boolean | undefined
}

/** @throws Problem 404, 403, 409 for a client without secrets or too many of them, 400 for an end that has passed */
export async function addClientSecret(
  deps: DeveloperDeps,
  actor: Actor,
  clientId: string,
  { expires_at: expiresAt = null }: { readonly expires_at?: Date | null | undefined },
): Promise<MadeSecret> {
  return change(deps, tx => add(tx, deps, actor, clientId, expiresAt))
}

/** A new secret in place of this one, which ends after its grace, never later than it would have. */
export async function rotateClientSecret(
  deps: DeveloperDeps,
  actor: Actor,
  { clientId, secretId }: { readonly clientId: string; readonly secretId: string },
  rotation: SecretRotation,
): Promise<MadeSecret> {
  return change(deps, async tx => {
    const made = await add(tx, deps, actor, clientId, null, secretId)
    const until = rotation.immediately
      ? sql<Date>`clock_timestamp()`
      : rotation.retire_at
        ? sql<Date>`${rotation.retire_at}::timestamptz`
        : sql<Date>`clock_timestamp() + make_interval(secs => ${rotation.grace_seconds ?? GRACE_SECONDS})`
    const row = await living(tx, clientId, secretId)
      .set({ expires_at: sql<Date>`least(expires_at, ${until})` })
      .returning('id')
      .executeTakeFirst()
    if (!row) throw notFound()
    return made
  })
}

/** It is refused from now on. @throws Problem 404, 403 */
export async function revokeClientSecret(
  deps: DeveloperDeps,
  actor: Actor,
  { clientId, secretId }: { readonly clientId: string; readonly secretId: string },
): Promise<void> {
  await change(deps, async tx => {
    const { client } = await getOwnClient(tx, actor, clientId)
    const row = await living(tx, clientId, secretId)
      .set({ revoked_at: sql<Date>`clock_timestamp()` })
      .returning('last4')
      .executeTakeFirst()
    if (!row) throw notFound()
    await changed(tx, clientId)
    await recordChange(tx, deps.audit, actor, {
      type: 'client_secret_revoked',
      subject: { type: 'client', id: clientId },
      clientId,
      organizationId: client.organizationId,
      detail: { secret_id: secretId, last4: row.last4 },
    })
  })
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function living(tx: Tx, clientId: string, secretId: string) {
  if (!UUID.test(secretId)) throw notFound()
  return tx
    .updateTable('client_secret')
    .where('id', '=', secretId)
    .where('client_id', '=', clientId)
    .where('revoked_at', 'is', null)
    .where(sql<boolean>`(expires_at IS NULL OR expires_at > clock_timestamp())`)
}

async function add(
  tx: Tx,
  { keyring, audit, ownResource }: DeveloperDeps,
  actor: Actor,
  clientId: string,
  expiresAt: Date | null,
  replaced?: string,
): Promise<MadeSecret> {
  refuseReplacedSecret(actor)
  await lockClient(tx, clientId)
  const { client, reach } = await getOwnClient(tx, actor, clientId)
  const method = { token_endpoint_auth_method: client.tokenEndpointAuthMethod }
  if (isPublic(method)) throw new Problem(409, 'conflict', 'A public client cannot keep a secret.')
  if (!keepsSecret(method))
    throw new Problem(
      409,
      'conflict',
      `This client proves who it is with a key or a certificate of its own (${client.tokenEndpointAuthMethod}), so it has no secret. Change token_endpoint_auth_method first.`,
    )
  refuseRising({ actor, reach, client, ownResource })
  if (client.secrets.length >= MAX_SECRETS)
    throw new Problem(409, 'conflict', `A client has at most ${MAX_SECRETS} secrets. Revoke one first.`)
  if (expiresAt && !(await isAhead(tx, expiresAt)))
    throw validationFailed([{ path: 'expires_at', message: 'must be in the future' }])
  const { id, secret, last4 } = await createClientSecret(tx, keyring, { clientId, expiresAt })
  await recordChange(tx, audit, actor, {
    type: replaced === undefined ? 'client_secret_created' : 'client_secret_rotated',
    subject: { type: 'client', id: clientId },
    clientId,
    organizationId: client.organizationId,
    detail: { secret_id: id, last4, ...(replaced !== undefined && { replaced }) },
  })
  const { created_at: createdAt } = await tx
    .selectFrom('client_secret')
    .select('created_at')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return { shown: { id, last4, createdAt, expiresAt }, secret }
}

/** By the clock that decides when it ends. */
async function isAhead(tx: Tx, time: Date): Promise<boolean> {
  const { rows } = await sql<{
    ahead: boolean
  }>`SELECT ${time}::timestamptz > clock_timestamp() AS ahead`.execute(tx)
  return rows[0]?.ahead === true
}
