/**
 * Refresh tokens. Every use rotates. The successor's value is derived from the spent token (refresh-successor.ts), so a
 * client that repeats a request within the grace gets the same successor; only hashes are stored. A spent token that
 * comes back later, or after its successor was used, ends the grant and with it the whole family.
 */
import { sql } from 'kysely'
import { errors, Provider } from 'oidc-provider'
import { hashCandidates, hashSecret } from '../../secrets/hash.ts'
import type { OidcDeps } from '../deps.ts'
import { endGrant } from '../grant.ts'
import { checkGrantedResource } from '../granted-resource.ts'
import { isNowhereStored } from '../presented-token.ts'
import { rememberRotation, rotatedToken } from '../refresh-successor.ts'
import { epoch } from '../sealed-document.ts'
import { rememberSource, takeForGrant, withIndex } from '../status-indexes.ts'
import { type Store, without } from './store.ts'

export function refreshTokenStore(deps: OidcDeps): Store {
  const { db, keyring, config } = deps
  /** Spent, but the same client may still ask for the same successor. */
  const inGrace = sql<boolean>`(consumed_at > clock_timestamp() - make_interval(secs => ${config.refreshGrace})
    AND NOT successor_used)`

  return {
    async find(id) {
      if (isNowhereStored(id)) return undefined
      const hashes = hashCandidates(keyring, id)
      const row = await db
        .selectFrom('refresh_token')
        .select(['payload', 'expires_at', 'consumed_at', 'grant_id', 'client_id', 'account_id'])
        .select(inGrace.as('in_grace'))
        .where('id_hash', 'in', hashes)
        .executeTakeFirst()
      if (!row) return undefined
      const usable = row.consumed_at === null || (row.in_grace && Provider.ctx?.oidc.route === 'token')
      const payload = {
        ...row.payload,
        jti: id,
        grantId: row.grant_id,
        clientId: row.client_id,
        accountId: row.account_id,
        exp: epoch(row.expires_at),
      }
      if (usable) rememberSource({ table: 'refresh_token', hashes, resource: checkGrantedResource(payload) })
      return { ...payload, ...(!usable && row.consumed_at && { consumed: epoch(row.consumed_at) }) }
    },

    async upsert(id, payload, expiresIn) {
      const { hash, pepperId } = hashSecret(keyring, id)
      const rest = JSON.stringify(without(payload, 'jti', 'grantId', 'clientId', 'accountId', 'exp'))
      const rotated = rotatedToken()
      // The same successor is saved by every repetition of the request; the first one stays.
      await sql`
        INSERT INTO refresh_token (id_hash, predecessor_hash, key_id, grant_id, client_id, account_id, payload, expires_at)
        SELECT ${hash}, ${rotated?.hash ?? null}, ${pepperId}, ${payload.grantId}, ${payload.clientId},
          ${payload.accountId}, ${rest}::jsonb, clock_timestamp() + make_interval(secs => ${expiresIn})
        -- Nor under an older pepper.
        WHERE NOT EXISTS (SELECT FROM refresh_token WHERE id_hash = ANY (${hashCandidates(keyring, id)}))
        ON CONFLICT (id_hash) DO NOTHING
      `.execute(db)
    },

    async consume(id) {
      const hashes = hashCandidates(keyring, id)
      const taken = await takeForGrant(deps)
      const { rows } = await sql<{ id_hash: Buffer; key_id: string }>`
        WITH used AS (
          UPDATE refresh_token SET
            consumed_at = coalesce(consumed_at, clock_timestamp()), status_indexes = ${withIndex(taken)}
          WHERE id_hash = ANY(${hashes}) AND expires_at > clock_timestamp() AND (consumed_at IS NULL OR ${inGrace})
          RETURNING id_hash, key_id, predecessor_hash
        ), marked AS (
          UPDATE refresh_token p SET successor_used = true FROM used WHERE p.id_hash = used.predecessor_hash
        )
        SELECT id_hash, key_id FROM used
      `.execute(db)
      const [used] = rows
      if (used) return rememberRotation({ hash: used.id_hash, keyId: used.key_id })
      const row = await db
        .selectFrom('refresh_token')
        .select(['grant_id', 'consumed_at'])
        .where('id_hash', 'in', hashes)
        .executeTakeFirst()
      if (row?.consumed_at) await endGrant(deps, row.grant_id, 'refresh_reuse')
      throw new errors.InvalidGrant('refresh token already used or expired')
    },

    // Whoever destroys one ends its grant, and it with that. The row says which access tokens came of it.
    destroy: async () => undefined,
  }
}
