/**
 * Browser sessions, one row per `uid`. The cookie's value changes at every sign-in and resume, the row does not, and a
 * row that has ended is never written again: an in-flight request cannot bring a session back. Nor can it bring back a
 * cookie that a sign-in has replaced: the library saves the session in every request, also when nothing has changed.
 *
 * No ON CONFLICT (uid) DO UPDATE here: with two unique columns, a row that another request is changing can be missed by
 * the search for the conflict, and the insert then fails on the other column.
 */
import { sql } from 'kysely'
import { type AdapterPayload, Provider } from 'oidc-provider'
import type { CookieNames } from '../../http/cookies.ts'
import { hashCandidates, hashSecret } from '../../secrets/hash.ts'
import type { OidcDeps } from '../deps.ts'
import { endSession } from '../end-session.ts'
import { sealDocument, unsealDocument } from '../sealed-document.ts'
import type { Store } from './store.ts'

/** More sign-ins than one browser makes while one request is in flight. */
const RETIRED_KEPT = 16

export function sessionStore(deps: OidcDeps): Store {
  const { db, keyring, cookies } = deps

  const live = () =>
    db
      .selectFrom('session')
      .leftJoin('account', 'account.id', 'session.account_id')
      .select(['session.uid', 'session.id_hash', 'session.sealed_payload', 'session.expires_at'])
      .where('session.ended_at', 'is', null)
      // A disabled person is signed out, whatever the cookie says.
      .where('account.disabled_at', 'is', null)

  /** A row that stands under an older master secret stands under the newest from now on. */
  async function moveToNewest(
    id: string,
    { uid, id_hash: before }: { readonly uid: string; readonly id_hash: Buffer },
    payload: AdapterPayload,
  ): Promise<void> {
    const { hash, pepperId } = hashSecret(keyring, id)
    if (hash.equals(before)) return
    await db
      .updateTable('session')
      .set({ id_hash: hash, pepper_id: pepperId, sealed_payload: await sealDocument(keyring, payload) })
      .where('uid', '=', uid)
      .where('id_hash', '=', before)
      .execute()
  }

  return {
    async find(id) {
      const row = await live().where('session.id_hash', 'in', hashCandidates(keyring, id)).executeTakeFirst()
      if (!row) return undefined
      const payload = await unsealDocument(keyring, row.sealed_payload, row.expires_at)
      await moveToNewest(id, row, payload)
      return { ...payload, uid: row.uid, jti: id }
    },

    async findByUid(uid) {
      const row = await live().where('session.uid', '=', uid).executeTakeFirst()
      return row && { ...(await unsealDocument(keyring, row.sealed_payload, row.expires_at)), uid: row.uid }
    },

    async upsert(id, payload: AdapterPayload, expiresIn) {
      const sealed = await sealDocument(keyring, payload)
      const { hash, pepperId } = hashSecret(keyring, id)
      // The row may still have the hash of an older pepper: that is the same id, and none that was replaced.
      const hashes = hashCandidates(keyring, id)
      const save = async () => {
        const { rows } = await sql`
          WITH changed AS (
            UPDATE session SET
              id_hash = ${hash}, pepper_id = ${pepperId}, account_id = ${payload.accountId ?? null},
              sealed_payload = ${sealed},
              signed_in_at = to_timestamp(${payload.loginTs ?? null}::bigint),
              expires_at = clock_timestamp() + make_interval(secs => ${expiresIn}), last_seen_at = clock_timestamp(),
              retired_hashes = CASE WHEN id_hash = ANY (${hashes}::bytea[]) THEN retired_hashes
                ELSE (id_hash || retired_hashes)[:${sql.lit(RETIRED_KEPT)}] END
            WHERE uid = ${payload.uid} AND ended_at IS NULL
              AND NOT retired_hashes && ${hashes}::bytea[]
            RETURNING uid
          ), added AS (
            INSERT INTO session (uid, id_hash, pepper_id, account_id, sealed_payload, signed_in_at, expires_at)
            SELECT ${payload.uid}, ${hash}, ${pepperId}, ${payload.accountId ?? null}, ${sealed},
              to_timestamp(${payload.loginTs ?? null}::bigint), clock_timestamp() + make_interval(secs => ${expiresIn})
            WHERE NOT EXISTS (SELECT FROM session WHERE uid = ${payload.uid})
            ON CONFLICT DO NOTHING
            RETURNING uid
          )
          SELECT uid FROM changed UNION ALL SELECT uid FROM added
        `.execute(db)
        return rows.length > 0
      }
      // Once more: a row that another request was adding at the same moment is there by now.
      if (!((await save()) || (await save()))) withholdCookie(cookies)
    },

    async destroy(id) {
      const row = await live().where('session.id_hash', 'in', hashCandidates(keyring, id)).executeTakeFirst()
      if (row) await endSession(deps, row.uid, 'signed_out')
    },
  }
}

/** The answer under way must not replace the browser's newer cookie with one that is worth nothing. */
function withholdCookie({ session }: CookieNames): void {
  const response = Provider.ctx?.res
  const lines = [response?.getHeader('set-cookie') ?? []].flat().map(String)
  const others = lines.filter(line => !line.startsWith(`${session}=`) && !line.startsWith(`${session}.sig=`))
  if (others.length < lines.length) response?.setHeader('set-cookie', others)
}
