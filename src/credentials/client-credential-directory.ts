/**
 * Client credentials with their clients, as verification needs them: by id, or by a handle that a request shows instead of
 * one (the thumbprint of a certificate). From memory while the change log is fresh, else by one statement.
 */
import { sql } from 'kysely'
import { type Client, clientJson, toClient } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import type { DatabaseClock } from '../db/database-clock.ts'
import { createFollowedCache } from '../db/followed-cache.ts'
import type { ClientCredentialKind, ClientCredentialRow } from './client-credential.ts'
import type { Found } from './judge.ts'
import { rangesOf } from './minted-input.ts'
import { CREDENTIAL_CHANGE, rateLimitOf } from './minted-token.ts'
import { sliceCountsJson } from './rate-limit.ts'

export interface FoundClientCredential extends Found {
  readonly record: Found['record'] & { readonly row: ClientCredentialRow }
}

export interface ClientCredentialDirectory {
  /** Of this kind, ended ones too. */
  find(kind: ClientCredentialKind, id: string): Promise<FoundClientCredential | undefined>
  /** All of this kind that have the handle and have not ended. */
  findByHandle(kind: ClientCredentialKind, handle: string): Promise<readonly FoundClientCredential[]>
  close(): void
}

export interface ClientCredentialDirectoryDeps {
  readonly db: Db
  readonly changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
  readonly clock: DatabaseClock
  readonly clients: ClientDirectory
}

interface Kept {
  readonly record: FoundClientCredential['record']
  readonly readAt: Date
}

const ID = /^[0-9A-Za-z]{16}$/

export function createClientCredentialDirectory(
  deps: ClientCredentialDirectoryDeps,
): ClientCredentialDirectory {
  const { db, changeLog, clock, clients } = deps

  async function load(where: ReturnType<typeof sql<boolean>>): Promise<Kept[]> {
    const keepClient = clients.begin()
    const rows = await read(db, where)
    for (const { client } of rows) if (client) keepClient(client.clientId, client)
    return rows
  }

  const byId = createFollowedCache({
    changeLog,
    type: CREDENTIAL_CHANGE,
    idOf: payload => payload.id,
    load: async id => (await load(sql`client_credential.id = ${id}`))[0],
  })
  // A change does not say the handles of what changed. The handle begins with the kind.
  const byHandle = createFollowedCache({
    changeLog,
    type: CREDENTIAL_CHANGE,
    idOf: () => undefined,
    async load(kindAndHandle) {
      const [kind = '', handle = ''] = kindAndHandle.split(/ (.*)/s)
      const rows = await load(
        sql`handles @> ARRAY[${handle}::text] AND kind = ${kind} AND revoked_at IS NULL`,
      )
      return rows.length > 0 ? rows : undefined
    },
  })

  const withOwner = async ({ record, readAt }: Kept): Promise<FoundClientCredential> => {
    const client = await clients.find(record.row.client_id)
    // Without a fresh change log the row was read just now.
    return { record, owner: client && { type: 'client', client }, now: clock.now() ?? readAt }
  }

  return {
    async find(kind, id) {
      const kept = ID.test(id) ? await byId.find(id) : undefined
      return kept?.record.row.kind === kind ? await withOwner(kept) : undefined
    },
    async findByHandle(kind, handle) {
      const kept = await byHandle.find(`${kind} ${handle}`)
      return Promise.all((kept ?? []).map(withOwner))
    },
    close() {
      byId.close()
      byHandle.close()
    },
  }
}

async function read(
  db: Db,
  where: ReturnType<typeof sql<boolean>>,
): Promise<(Kept & { client: Client | undefined })[]> {
  const rows = await db
    .selectFrom('client_credential')
    .selectAll('client_credential')
    .select([
      sql<Date>`clock_timestamp()`.as('read_at'),
      sliceCountsJson('client_credential').as('slice_counts'),
      clientJson(db, sql.ref('client_credential.client_id')).as('client'),
    ])
    .where(where)
    .orderBy('client_credential.created_at')
    .limit(100)
    .execute()
  return rows.map(({ read_at: readAt, slice_counts: sliceCounts, client, ...row }) => ({
    record: {
      row,
      cnf: null,
      scopes: new Map(Object.entries(row.scopes)),
      ranges: rangesOf(row.allowed_addresses),
      rateLimit: rateLimitOf(row),
      sliceCounts: sliceCounts ?? undefined,
    },
    readAt,
    client: client ? toClient(client) : undefined,
  }))
}
