/**
 * Grants: what one authorization gave a client. Rows are made by grant.ts, never by the library. A grant is found only
 * while it is alive: not ended, and, unless it is offline, its browser session neither ended nor expired. Every use of
 * a code, a refresh token or an access token looks its grant up, so nothing issued for an ended grant works.
 */
import { sql } from 'kysely'
import type { Db } from '../../db/connect.ts'
import type { OidcDeps } from '../deps.ts'
import { endGrant, reasonOfRevocation } from '../grant.ts'
import { epoch } from '../sealed-document.ts'
import type { Store } from './store.ts'

function livingGrant(db: Db, id: string) {
  return db
    .selectFrom('authorization_grant as g')
    .where('g.id', '=', id)
    .where('g.ended_at', 'is', null)
    .where('g.expires_at', '>', sql<Date>`clock_timestamp()`)
    .where(
      sql<boolean>`(g.offline OR EXISTS (SELECT 1 FROM session s
        WHERE s.uid = g.session_uid AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()))`,
    )
}

export async function isGrantAlive(db: Db, id: string): Promise<boolean> {
  return (await livingGrant(db, id).select('g.id').executeTakeFirst()) !== undefined
}

export function grantStore(deps: OidcDeps): Store {
  const { db } = deps
  return {
    async find(id) {
      const row = await livingGrant(db, id)
        .select(['g.account_id', 'g.client_id', 'g.payload', 'g.created_at', 'g.expires_at'])
        .executeTakeFirst()
      return (
        row && {
          ...row.payload,
          kind: 'Grant',
          jti: id,
          accountId: row.account_id,
          clientId: row.client_id,
          iat: epoch(row.created_at),
          exp: epoch(row.expires_at),
        }
      )
    },

    upsert: () => Promise.reject(new Error('grants are created by grant.ts')),

    async destroy(id) {
      await endGrant(deps, id, reasonOfRevocation())
    },
  }
}
