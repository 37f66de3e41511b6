/**
 * Keys and personal tokens by id with their owners, as verification needs them: from memory while the change log is fresh,
 * else by one statement that reads the row, its owner and what the owner may do. Owners are kept in their own directories,
 * so a change of a client or an account drops one copy, however many keys it has.
 */
import { sql } from 'kysely'
import {
  type AccountDirectory,
  type AccountStanding,
  accountStandingJson,
  toAccountStanding,
} from '../accounts/account-directory.ts'
import { type Client, clientJson, toClient } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'
import type { DatabaseClock } from '../db/database-clock.ts'
import { createFollowedCache } from '../db/followed-cache.ts'
import type { AddressRange } from '../http/address-range.ts'
import type { Confirmation } from './kind.ts'
import { rangesOf } from './minted-input.ts'
import { CREDENTIAL_CHANGE, type MintedRow, type RateLimit, rateLimitOf } from './minted-token.ts'
import type { CredentialOwner } from './owned-scopes.ts'
import { type SliceCounts, sliceCountsJson } from './rate-limit.ts'

/** One row, ready to be checked. */
export interface MintedRecord {
  readonly row: MintedRow
  readonly cnf: Confirmation | null
  readonly scopes: ReadonlyMap<string, readonly string[]>
  readonly ranges: readonly AddressRange[] | null
  readonly rateLimit: RateLimit | null
  /** What its rate limit had counted when it was read. */
  readonly sliceCounts: SliceCounts | undefined
  readonly readAt: Date
}

export interface FoundMinted {
  readonly record: MintedRecord
  /** Undefined: it is gone. */
  readonly owner: CredentialOwner | undefined
  /** The database's time. */
  readonly now: Date
}

export interface MintedDirectory {
  find(id: string): Promise<FoundMinted | undefined>
  close(): void
}

export interface MintedDirectoryDeps {
  readonly db: Db
  readonly changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
  readonly clock: DatabaseClock
  readonly clients: ClientDirectory
  readonly accounts: AccountDirectory
}

const MAX_ENTRIES = 100_000

export function createMintedDirectory(deps: MintedDirectoryDeps): MintedDirectory {
  const { db, changeLog, clock, clients, accounts } = deps

  async function load(id: string): Promise<MintedRecord | undefined> {
    const keepClient = clients.begin()
    const keepAccount = accounts.begin()
    const found = await readMinted(db, id)
    if (found?.client) keepClient(found.client.clientId, found.client)
    if (found?.account) keepAccount(found.account.id, found.account)
    return found?.record
  }

  const cache = createFollowedCache({
    changeLog,
    type: CREDENTIAL_CHANGE,
    idOf: payload => payload.id,
    load,
    maxEntries: MAX_ENTRIES,
  })

  async function findOwner({ client_id, account_id }: MintedRow): Promise<CredentialOwner | undefined> {
    if (client_id !== null) {
      const client = await clients.find(client_id)
      return client && { type: 'client', client }
    }
    const account = await accounts.find(account_id ?? '')
    return account && { type: 'account', account }
  }

  return {
    async find(id) {
      const heard = clock.now()
      const record = await cache.find(id)
      if (!record) return undefined
      const owner = await findOwner(record.row)
      // Not heard: without a fresh change log the row was read since.
      return { record, owner, now: clock.now() ?? heard ?? record.readAt }
    },
    close: cache.close,
  }
}

/** The cold read: one statement. */
async function readMinted(
  db: Db,
  id: string,
): Promise<
  { record: MintedRecord; client: Client | undefined; account: AccountStanding | undefined } | undefined
> {
  const found = await db
    .selectFrom('minted_token')
    .selectAll('minted_token')
    .select([
      sql<Date>`clock_timestamp()`.as('read_at'),
      sliceCountsJson('minted_token').as('slice_counts'),
      clientJson(db, sql.ref('minted_token.client_id')).as('client'),
      accountStandingJson(sql.ref('minted_token.account_id')).as('account'),
    ])
    .where('minted_token.id', '=', id)
    .executeTakeFirst()
  if (!found) return undefined
  const { read_at: readAt, slice_counts: sliceCounts, client, account, ...row } = found
  return {
    record: {
      row,
      cnf: row.cnf,
      scopes: new Map(Object.entries(row.scopes)),
      ranges: rangesOf(row.allowed_addresses),
      rateLimit: rateLimitOf(row),
      sliceCounts: sliceCounts ?? undefined,
      readAt,
    },
    client: client ? toClient(client) : undefined,
    account: account ? toAccountStanding(account) : undefined,
  }
}
