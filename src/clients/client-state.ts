/** A client is shut, opened again, or gone. */
import { sql } from 'kysely'
import type { Tx } from '../db/connect.ts'
import { changed } from './client.ts'

/** Shut: nothing of the client's is taken and nothing issued to it, until it is opened again. @returns whether that is new */
export async function setClientDisabled(tx: Tx, clientId: string, disabled: boolean): Promise<boolean> {
  const row = await tx
    .updateTable('client')
    .set({ disabled_at: disabled ? sql<Date>`clock_timestamp()` : null })
    .where('client_id', '=', clientId)
    .where('disabled_at', disabled ? 'is' : 'is not', null)
    .returning('client_id')
    .executeTakeFirst()
  if (row) await changed(tx, clientId)
  return row !== undefined
}

/**
 * Takes the row, its secrets and its ceiling away, and what people allowed it. What was issued to it is the caller's to end.
 * @returns whether it was there
 */
export async function deleteClient(tx: Tx, clientId: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('client')
    .where('client_id', '=', clientId)
    .returning('client_id')
    .executeTakeFirst()
  if (row) await changed(tx, clientId)
  return row !== undefined
}

/** Makes those who change one client follow each other: the lock of its row, until the transaction ends. */
export async function lockClient(tx: Tx, clientId: string): Promise<void> {
  await tx
    .updateTable('client')
    .set({ updated_at: sql<Date>`clock_timestamp()` })
    .where('client_id', '=', clientId)
    .execute()
}
