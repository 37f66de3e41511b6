/** Resources as those who look after them see them, a page at a time. */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { type ListPage, type PageRequest, pageOf, readCursor } from '../http/page.ts'
import { type Resource, selectResources, toResource } from './resource.ts'

export interface ShownResource extends Resource {
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Microseconds since 1970, exact: what a timestamp is in a cursor. */
const micros = sql<string>`(extract(epoch FROM resource.created_at) * 1000000)::bigint`

/** Newest first. @param organizations ids, or all there are and what has none */
export async function listResourcesOf(
  db: Db | Tx,
  organizations: readonly string[] | 'all',
  { limit, cursor }: PageRequest,
): Promise<ListPage<ShownResource>> {
  let query = selectResources(db)
    .select(micros.as('micros'))
    .orderBy('resource.created_at', 'desc')
    .orderBy('resource.identifier', 'desc')
    .limit(limit + 1)
  if (organizations !== 'all')
    query = query.where(sql<boolean>`resource.organization_id = ANY(${[...organizations]}::text[])`)
  if (cursor !== undefined) {
    const [at = '', identifier = ''] = readCursor(cursor, [/^\d{1,16}$/, /^[!-~]{1,1000}$/])
    query = query.where(sql<boolean>`(${micros}, resource.identifier) < (${at}::bigint, ${identifier})`)
  }
  const page = pageOf(await query.execute(), limit, row => [row.micros, row.identifier])
  return { ...page, data: page.data.map(shown) }
}

export async function findShownResource(db: Db | Tx, identifier: string): Promise<ShownResource | undefined> {
  const row = await selectResources(db).where('resource.identifier', '=', identifier).executeTakeFirst()
  return row && shown(row)
}

type Row = Awaited<ReturnType<ReturnType<typeof selectResources>['executeTakeFirstOrThrow']>>

const shown = (row: Row): ShownResource => ({
  ...toResource(row),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})
