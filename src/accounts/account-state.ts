/** An account is taken away. Shutting one is a change like others (account.ts). */
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'

/**
 * Makes those who change these accounts follow each other: the locks of their rows, until the transaction ends. Always in
 * the same order, so that two who lock each other's do not wait for ever.
 */
export async function lockAccounts(tx: Tx, ids: readonly string[]): Promise<void> {
  for (const id of [...new Set(ids)].sort())
    await tx
      .updateTable('account')
      .set({ updated_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', id)
      .execute()
}

/**
 * Takes the row away, with its memberships, roles, consents and known devices. What it holds is the caller's to end.
 * @returns whether it was there
 */
export async function deleteAccount(tx: Tx, id: string): Promise<boolean> {
  const row = await tx.deleteFrom('account').where('id', '=', id).returning('id').executeTakeFirst()
  if (row) await appendChange(tx, 'account', { id })
  return row !== undefined
}
