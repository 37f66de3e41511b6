/** Accounts as administrators see them, a page at a time. */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { type ListPage, type PageRequest, pageOf, readCursor } from '../http/page.ts'
import { type Account, accountOf, COLUMNS, UUID } from './account.ts'
import { isStorable, normalizeUsername } from './account-fields.ts'

export interface AccountsWanted extends PageRequest {
  /** How the username begins. */
  readonly username?: string | undefined
}

/** Newest first: ids are made in order. @throws Problem 400 `validation_failed` at `cursor` */
export async function listAccounts(
  db: Db | Tx,
  { limit, cursor, username }: AccountsWanted,
): Promise<ListPage<Account>> {
  const [before] = cursor === undefined ? [] : readCursor(cursor, [UUID])
  const beginning = normalizeUsername(username ?? '')
  if (!isStorable(beginning)) return { data: [], nextCursor: null }
  const rows = await db
    .selectFrom('account')
    .select(COLUMNS)
    .$if(before !== undefined, query => query.where('id', '<', before ?? ''))
    .$if(beginning !== '', query => query.where(sql<boolean>`starts_with(username, ${beginning})`))
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = pageOf(rows, limit, ({ id }) => [id])
  return { ...page, data: page.data.map(accountOf) }
}
