/**
 * Client credentials with their clients, as verification needs them: by id, or by handles that a request shows instead of
 * one (the thumbprint of a certificate, the names in it). From memory while the change log is fresh, else by one statement.
 */
import { sql } from 'kysely'
import { type Client, clientJson, toClient } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import type { DatabaseClock } from '../db/database-clock.ts'
import { createFollowedCache } from '../db/followed-cache.ts'
import {
  type ClientCredentialKind,
  type ClientCredentialRow,
  isClientCredentialKind,
} from './client-credential.ts'
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
  /**
   * Those of this kind whose first handle is one of these and that have not been revoked: who has shown to have the key first, then the
   * oldest. Of one organization's clients at most 50, so that nobody's registrations keep out another's.
   * @param handles 2,000 characters at most
   */
  findByHandles(
    kind: ClientCredentialKind,
    handles: readonly string[],
  ): Promise<readonly FoundClientCredential[]>
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
  // Which ones have some handles: what they are is kept by id. A change does not say the handles of what changed, so any
  // drops all of these, but for a change of what has no handles.
  const idsByHandles = createFollowedCache({
    changeLog,
    type: CREDENTIAL_CHANGE,
    idOf: ({ id, kind }) => (id !== undefined && !isClientCredentialKind(kind) ? '' : undefined),
    async load(kindAndHandles) {
      const [kind, ...handles]: string[] = JSON.parse(kindAndHandles)
      const keep = byId.begin()
      const rows = await load(sql`client_credential.id IN (${heardOf(kind, handles)})`)
      for (const one of rows) keep(one.record.row.id, one)
      return rows.length > 0 ? rows.map(({ record }) => record.row.id) : undefined
    },
  })

  /** @param heard the time when it was looked for: unknown without a fresh change log, and then the row was read since */
  const withOwner = async (
    { record, readAt }: Kept,
    heard: Date | undefined,
  ): Promise<FoundClientCredential> => {
    const client = await clients.find(record.row.client_id)
    return { record, owner: client && { type: 'client', client }, now: clock.now() ?? heard ?? readAt }
  }

  return {
    async find(kind, id) {
      const heard = clock.now()
      const kept = ID.test(id) ? await byId.find(id) : undefined
      return kept?.record.row.kind === kind ? await withOwner(kept, heard) : undefined
    },
    async findByHandles(kind, handles) {
      const heard = clock.now()
      const ids = (await idsByHandles.find(JSON.stringify([kind, ...handles]))) ?? []
      const kept = await Promise.all(ids.map(byId.find))
      return Promise.all(kept.filter(one => one !== undefined).map(one => withOwner(one, heard)))
    },
    close() {
      byId.close()
      idsByHandles.close()
    },
  }
}

function heardOf(kind: string | undefined, handles: readonly string[]) {
  return sql`
    SELECT id FROM (
      SELECT one.id, row_number() OVER (
        PARTITION BY coalesce(client.organization_id, one.client_id)
        ORDER BY one.expires_at <= clock_timestamp() NULLS FIRST, one.material ? 'proved' DESC, one.created_at
      ) AS place
      FROM client_credential AS one LEFT JOIN client ON client.client_id = one.client_id
      WHERE one.handles && ${handles}::text[] AND one.handles[1] = ANY(${handles})
        AND one.kind = ${kind} AND one.revoked_at IS NULL
    ) AS placed
    WHERE place <= 50
  `
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
    .orderBy(sql`material ? 'proved'`, 'desc')
    .orderBy('client_credential.created_at')
    .limit(1000)
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
