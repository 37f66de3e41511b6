/** The API keys of all clients of some organizations, newest first, ended ones too. */
import { sql } from 'kysely'
import { type MintedToken, selectTokens, toMintedToken } from '../credentials/minted-token.ts'
import type { Db } from '../db/connect.ts'
import { type ListPage, type PageRequest, pageOf, readCursor } from '../http/page.ts'

/** @param organizations ids, or all there are and what has none */
export async function listApiKeysOf(
  db: Db,
  organizations: readonly string[] | 'all',
  { limit, cursor }: PageRequest,
): Promise<ListPage<MintedToken>> {
  const place = sql<string>`extract(epoch FROM minted_token.created_at)::numeric * 1000000`
  let query = selectTokens(db)
    .select(sql<string>`(${place})::bigint`.as('micros'))
    .where('minted_token.client_id', 'is not', null)
    .orderBy('minted_token.created_at', 'desc')
    .orderBy('minted_token.id', 'desc')
    .limit(limit + 1)
  if (organizations !== 'all')
    query = query.where(sql<boolean>`minted_token.client_id IN (
      SELECT client_id FROM client WHERE organization_id = ANY(${[...organizations]}::text[])
    )`)
  if (cursor !== undefined) {
    const [at = '', id = ''] = readCursor(cursor, [/^\d{1,16}$/, /^[0-9A-Za-z]{16}$/])
    query = query.where(sql<boolean>`((${place})::bigint, minted_token.id) < (${at}::bigint, ${id})`)
  }
  const page = pageOf(await query.execute(), limit, row => [row.micros, row.id])
  return { ...page, data: page.data.map(toMintedToken) }
}
