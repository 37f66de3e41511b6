/** Clients as those who look after them see them: a page at a time, with their secrets' last characters. */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { type ListPage, type PageRequest, pageOf, readCursor } from '../http/page.ts'
import { type Client, selectClients, toClient } from './client.ts'

export interface ShownSecret {
  readonly id: string
  readonly last4: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

export interface ShownClient extends Client {
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Those that are neither revoked nor expired, oldest first. */
  readonly shownSecrets: readonly ShownSecret[]
}

/** Microseconds since 1970, exact: what a timestamp is in a cursor. */
const micros = sql<string>`(extract(epoch FROM client.created_at) * 1000000)::bigint`

/** Newest first. @param organizations ids, or all there are and what has none */
export async function listClientsOf(
  db: Db | Tx,
  organizations: readonly string[] | 'all',
  { limit, cursor }: PageRequest,
): Promise<ListPage<ShownClient>> {
  let query = selectClients(db)
    .select(micros.as('micros'))
    .orderBy('client.created_at', 'desc')
    .orderBy('client.client_id', 'desc')
    .limit(limit + 1)
  if (organizations !== 'all')
    query = query.where(sql<boolean>`client.organization_id = ANY(${[...organizations]}::text[])`)
  if (cursor !== undefined) {
    const [at = '', id = ''] = readCursor(cursor, [/^\d{1,16}$/, /^[!-~]{1,255}$/])
    query = query.where(sql<boolean>`(${micros}, client.client_id) < (${at}::bigint, ${id})`)
  }
  const { data: rows, nextCursor } = pageOf(await query.execute(), limit, row => [row.micros, row.client_id])
  const secrets = await listSecrets(
    db,
    rows.map(row => row.client_id),
  )
  return { data: rows.map(row => shown(row, secrets)), nextCursor }
}

export async function findShownClient(db: Db | Tx, clientId: string): Promise<ShownClient | undefined> {
  const row = await selectClients(db).where('client.client_id', '=', clientId).executeTakeFirst()
  return row && shown(row, await listSecrets(db, [clientId]))
}

type Row = Awaited<ReturnType<ReturnType<typeof selectClients>['executeTakeFirstOrThrow']>>

const shown = (row: Row, secrets: ReadonlyMap<string, readonly ShownSecret[]>): ShownClient => ({
  ...toClient(row),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  shownSecrets: secrets.get(row.client_id) ?? [],
})

async function listSecrets(
  db: Db | Tx,
  clientIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ShownSecret[]>> {
  const byClient = new Map<string, ShownSecret[]>(clientIds.map(id => [id, []]))
  if (clientIds.length === 0) return byClient
  const rows = await db
    .selectFrom('client_secret')
    .select(['id', 'client_id', 'last4', 'created_at', 'expires_at'])
    .where('client_id', 'in', [...clientIds])
    .where('revoked_at', 'is', null)
    .where(sql<boolean>`(expires_at IS NULL OR expires_at > clock_timestamp())`)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  for (const { id, client_id: clientId, last4, created_at: createdAt, expires_at: expiresAt } of rows)
    byClient.get(clientId)?.push({ id, last4, createdAt, expiresAt })
  return byClient
}
