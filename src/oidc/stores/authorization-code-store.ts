/** Authorization codes: used once, decided by one UPDATE. A second use ends the grant (RFC 6749, section 4.1.2). */
import { sql } from 'kysely'
import { errors } from 'oidc-provider'
import { hashCandidates, hashSecret } from '../../secrets/hash.ts'
import type { OidcDeps } from '../deps.ts'
import { endGrant } from '../grant.ts'
import { checkGrantedResource } from '../granted-resource.ts'
import { epoch } from '../sealed-document.ts'
import { recorded, rememberSource, takeForGrant } from '../status-indexes.ts'
import { type Store, without } from './store.ts'

export function authorizationCodeStore(deps: OidcDeps): Store {
  const { db, keyring } = deps
  return {
    async find(id) {
      const hashes = hashCandidates(keyring, id)
      const row = await db
        .selectFrom('authorization_code')
        .select(['payload', 'expires_at', 'consumed_at', 'grant_id', 'client_id', 'account_id'])
        .where('id_hash', 'in', hashes)
        .executeTakeFirst()
      if (!row) return undefined
      const payload = {
        ...row.payload,
        jti: id,
        grantId: row.grant_id,
        clientId: row.client_id,
        accountId: row.account_id,
        exp: epoch(row.expires_at),
      }
      if (row.consumed_at) return { ...payload, consumed: epoch(row.consumed_at) }
      rememberSource({ table: 'authorization_code', hashes, resource: checkGrantedResource(payload) })
      return payload
    },

    async upsert(id, payload, expiresIn) {
      const rest = JSON.stringify(without(payload, 'jti', 'grantId', 'clientId', 'accountId', 'exp'))
      const { hash, pepperId } = hashSecret(keyring, id)
      await sql`
        INSERT INTO authorization_code (id_hash, pepper_id, grant_id, client_id, account_id, payload, expires_at)
        VALUES (${hash}, ${pepperId}, ${payload.grantId}, ${payload.clientId}, ${payload.accountId},
          ${rest}::jsonb, clock_timestamp() + make_interval(secs => ${expiresIn}))
      `.execute(db)
    },

    async consume(id) {
      const hashes = hashCandidates(keyring, id)
      const taken = await takeForGrant(deps)
      const used = await db
        .updateTable('authorization_code')
        .set({ consumed_at: sql<Date>`clock_timestamp()`, ...recorded(taken) })
        .where('id_hash', 'in', hashes)
        .where('consumed_at', 'is', null)
        .where('expires_at', '>', sql<Date>`clock_timestamp()`)
        .returning('grant_id')
        .executeTakeFirst()
      if (used) return
      const row = await db
        .selectFrom('authorization_code')
        .select(['grant_id', 'consumed_at'])
        .where('id_hash', 'in', hashes)
        .executeTakeFirst()
      if (row?.consumed_at) await endGrant(deps, row.grant_id, 'code_reuse')
      throw new errors.InvalidGrant('authorization code already used or expired')
    },
  }
}
