/**
 * Which tokens of grants are revoked in a status list (keys/revoked-indexes.ts): those that came of a code, a device's
 * code or a refresh token whose grant has ended, or whose client or account has. The index stands in the row that was
 * used up for the token, written by the same statement, and stays there as long as the token could live.
 */
import { sql } from 'kysely'
import { endedAccounts, endedClients, type FindRevoked } from '../keys/revoked-indexes.ts'
import { packStatus, unpackStatus } from '../keys/status-reference.ts'

const SOURCES = ['authorization_code', 'device_code', 'refresh_token'] as const

export const findTokensOfEndedGrants: FindRevoked = async (db, { id, since }) => {
  const lowest = packStatus({ listId: id, idx: 0 })
  const highest = packStatus({ listId: id + 1, idx: 0 })
  const used = SOURCES.map(
    table =>
      sql`SELECT unnest(status_indexes) AS status FROM ended JOIN ${sql.table(table)} ON grant_id = ended.id`,
  )
  const { rows } = await sql<{ status: string }>`
    WITH ended AS (
      SELECT r.id FROM revocation r WHERE r.kind = 'grant' AND r.revoked_at > ${since}
      UNION SELECT g.id FROM ${endedClients(since)} client JOIN authorization_grant g ON g.client_id = client.id
      UNION SELECT g.id FROM ${endedAccounts(since)} account JOIN authorization_grant g ON g.account_id = account.id::uuid
    )
    SELECT status FROM (${sql.join(used, sql` UNION ALL `)}) AS tokens
    WHERE status >= ${lowest}::bigint AND status < ${highest}::bigint
  `.execute(db)
  return rows.map(({ status }) => ({ first: unpackStatus(status).idx, size: 1 }))
}
