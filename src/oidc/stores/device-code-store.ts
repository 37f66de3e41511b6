/**
 * Device codes (RFC 8628), seen from the device's side: written when it asks, polled until somebody has decided
 * (device-code.ts), exchanged once. Neither the device code nor the user code is kept, only their HMACs.
 */
import { sql } from 'kysely'
import { type AdapterPayload, errors, Provider } from 'oidc-provider'
import { newId } from '../../db/id.ts'
import { hashCandidates, hashSecret } from '../../secrets/hash.ts'
import type { OidcDeps } from '../deps.ts'
import { POLL_INTERVAL } from '../device-code.ts'
import { endGrant } from '../grant.ts'
import { checkGrantedResource } from '../granted-resource.ts'
import { epoch } from '../sealed-document.ts'
import { recorded, rememberSource, takeForGrant } from '../status-indexes.ts'
import { countUnproved } from '../unproved-requests.ts'
import { type Store, without } from './store.ts'

/** Seconds that each poll that comes too soon adds for good (RFC 8628, section 3.5). */
const SLOW_DOWN = 5
/** A device that waits as told may still arrive earlier after one answer than after another. */
const TOLERANCE = 1

/** The client whose token request this is. */
const pollingClient = () => {
  const oidc = Provider.ctx?.oidc
  return oidc?.route === 'token' ? oidc.client?.clientId : undefined
}

export function deviceCodeStore(deps: OidcDeps): Store {
  const { db, keyring } = deps

  /** One statement, so that two nodes never both say that there was time enough. */
  async function countPoll(hashes: Buffer[], clientId: string): Promise<void> {
    const { rows } = await sql<{ polled_too_soon: boolean }>`
      WITH moment AS (SELECT clock_timestamp() AS now)
      UPDATE device_code SET
        polled_at = greatest(polled_at, moment.now),
        polled_too_soon = ${TOO_SOON},
        poll_interval = poll_interval + CASE WHEN ${TOO_SOON} THEN ${sql.lit(SLOW_DOWN)} ELSE 0 END
      FROM moment
      WHERE id_hash = ANY(${hashes}) AND client_id = ${clientId} AND decided_at IS NULL AND expires_at > moment.now
      RETURNING polled_too_soon
    `.execute(db)
    if (rows[0]?.polled_too_soon) throw new errors.SlowDown()
  }

  return {
    async find(id) {
      const hashes = hashCandidates(keyring, id)
      const polling = pollingClient()
      if (polling !== undefined) await countPoll(hashes, polling)
      const row = await db
        .selectFrom('device_code')
        .select(['payload', 'expires_at', 'decided_at', 'consumed_at', 'client_id', 'account_id', 'grant_id'])
        .where('id_hash', 'in', hashes)
        .executeTakeFirst()
      if (!row) return undefined
      const payload: AdapterPayload = {
        ...row.payload,
        jti: id,
        clientId: row.client_id,
        exp: epoch(row.expires_at),
        ...(row.account_id !== null && { accountId: row.account_id }),
        ...(row.grant_id !== null && { grantId: row.grant_id }),
      }
      if (row.consumed_at) return { ...payload, consumed: epoch(row.consumed_at) }
      if (row.decided_at && polling === row.client_id) {
        // Here and not as a mark in the payload: the library would take that for a use, and a second poll for a theft.
        if (row.grant_id === null) throw new errors.AccessDenied('the person did not allow it')
        rememberSource({ table: 'device_code', hashes, resource: checkGrantedResource(payload) })
      }
      return payload
    },

    async upsert(id, payload, expiresIn) {
      const { userCode, deviceInfo = {}, params = {} } = payload
      const { scope, resource } = params
      if (typeof scope !== 'string' || scope.trim() === '')
        throw new errors.InvalidScope('no scope is asked for', '')
      await countUnproved(deps)
      const rest = { ...without(payload, ...IN_COLUMNS), params: { scope, resource } }
      const { hash, pepperId } = hashSecret(keyring, id)
      const { rows } = await sql`
        INSERT INTO device_code (id, id_hash, pepper_id, user_code_hash, client_id, payload, user_agent, address,
          poll_interval, expires_at)
        VALUES (${newId()}, ${hash}, ${pepperId}, ${hashSecret(keyring, userCode ?? '').hash},
          ${payload.clientId}, ${JSON.stringify(rest)}::jsonb, ${deviceInfo.userAgent ?? null},
          ${deviceInfo.address ?? null}, ${POLL_INTERVAL}, clock_timestamp() + make_interval(secs => ${expiresIn}))
        ON CONFLICT (user_code_hash) DO NOTHING
        RETURNING id
      `.execute(db)
      // One in billions: the next try gets another one.
      if (rows.length === 0) throw new errors.TemporarilyUnavailable('the user code is taken, try again')
    },

    async consume(id) {
      const hashes = hashCandidates(keyring, id)
      const taken = await takeForGrant(deps)
      const used = await db
        .updateTable('device_code')
        .set({ consumed_at: sql<Date>`clock_timestamp()`, ...recorded(taken) })
        .where('id_hash', 'in', hashes)
        .where('grant_id', 'is not', null)
        .where('consumed_at', 'is', null)
        .where('expires_at', '>', sql<Date>`clock_timestamp()`)
        .returning('id')
        .executeTakeFirst()
      if (used) return
      const row = await db
        .selectFrom('device_code')
        .select(['grant_id', 'consumed_at'])
        .where('id_hash', 'in', hashes)
        .executeTakeFirst()
      if (row?.consumed_at && row.grant_id !== null) await endGrant(deps, row.grant_id, 'code_reuse')
      throw new errors.InvalidGrant('device code already used or expired')
    },
  }
}

const TOO_SOON = sql`coalesce(
  polled_at > moment.now - make_interval(secs => poll_interval - ${sql.lit(TOLERANCE)}), false)`

const IN_COLUMNS = ['jti', 'clientId', 'exp', 'userCode', 'deviceInfo', 'params'] as const
