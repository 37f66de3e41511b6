/** An authorization request that waits for a person. Its id is in a cookie and a URL: only the hash is kept. */
import { sql } from 'kysely'
import { hashCandidates, hashSecret } from '../../secrets/hash.ts'
import type { OidcDeps } from '../deps.ts'
import { sealDocument, unsealDocument } from '../sealed-document.ts'
import { countUnproved, noteAnswered } from '../unproved-requests.ts'
import type { Store } from './store.ts'

export function interactionStore(deps: OidcDeps): Store {
  const { db, keyring } = deps
  return {
    async find(id) {
      const row = await db
        .selectFrom('interaction')
        .select(['sealed_payload', 'expires_at'])
        .where('id_hash', 'in', hashCandidates(keyring, id))
        .executeTakeFirst()
      return row && { ...(await unsealDocument(keyring, row.sealed_payload, row.expires_at)), jti: id }
    },

    async upsert(id, payload, expiresIn) {
      const sealed = await sealDocument(keyring, payload)
      const { hash } = hashSecret(keyring, id)
      // Where it stands under an older pepper it moves, so that there is one row of it.
      const { numUpdatedRows } = await db
        .updateTable('interaction')
        .set({
          id_hash: hash,
          sealed_payload: sealed,
          expires_at: sql<Date>`clock_timestamp() + make_interval(secs => ${expiresIn})`,
        })
        .where('id_hash', 'in', hashCandidates(keyring, id))
        .executeTakeFirst()
      if (numUpdatedRows > 0n) return
      await countUnproved(deps)
      await sql`
        INSERT INTO interaction (id_hash, sealed_payload, expires_at)
        VALUES (${hash}, ${sealed}, clock_timestamp() + make_interval(secs => ${expiresIn}))
        ON CONFLICT (id_hash) DO UPDATE SET sealed_payload = excluded.sealed_payload, expires_at = excluded.expires_at
      `.execute(db)
    },

    async destroy(id) {
      const { numDeletedRows } = await db
        .deleteFrom('interaction')
        .where('id_hash', 'in', hashCandidates(keyring, id))
        .executeTakeFirst()
      if (numDeletedRows > 0n) await noteAnswered(deps)
    },
  }
}
