/**
 * Pushed authorization requests (RFC 9126). One can be opened until somebody has answered it; the answer uses it up, which
 * one UPDATE decides.
 */
import { sql } from 'kysely'
import { errors } from 'oidc-provider'
import { hashCandidates, hashSecret } from '../../secrets/hash.ts'
import type { OidcDeps } from '../deps.ts'
import { epoch, sealDocument, unsealDocument } from '../sealed-document.ts'
import { countUnproved } from '../unproved-requests.ts'
import type { Store } from './store.ts'

export function pushedAuthorizationRequestStore(deps: OidcDeps): Store {
  const { db, keyring } = deps
  return {
    async find(id) {
      const row = await db
        .selectFrom('pushed_authorization_request')
        .select(['sealed_payload', 'expires_at', 'consumed_at'])
        .where('id_hash', 'in', hashCandidates(keyring, id))
        .executeTakeFirst()
      return (
        row && {
          ...(await unsealDocument(keyring, row.sealed_payload, row.expires_at)),
          jti: id,
          ...(row.consumed_at && { consumed: epoch(row.consumed_at) }),
        }
      )
    },

    async upsert(id, payload, expiresIn) {
      await countUnproved(deps)
      const sealed = await sealDocument(keyring, payload)
      await sql`
        INSERT INTO pushed_authorization_request (id_hash, sealed_payload, expires_at)
        VALUES (${hashSecret(keyring, id).hash}, ${sealed}, clock_timestamp() + make_interval(secs => ${expiresIn}))
      `.execute(db)
    },

    async consume(id) {
      const used = await db
        .updateTable('pushed_authorization_request')
        .set({ consumed_at: sql<Date>`clock_timestamp()` })
        .where('id_hash', 'in', hashCandidates(keyring, id))
        .where('consumed_at', 'is', null)
        .returning('id_hash')
        .executeTakeFirst()
      if (!used) throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used')
    },
  }
}
