/** A client is shut, opened again, or gone. */
import { sql } from 'kysely'
import type { Tx } from '../db/connect.ts'
import { changed } from './client.ts'
import type { DisabledBy } from './tables.ts'

/**
 * Shut: nothing of the client's is taken and nothing issued to it, until it is opened again. One that its organization has
 * shut an administrator can shut too; then it is an administrator's to open. Who may open it is the caller's to check.
 * @returns whether that is new
 */
export async function setClientDisabled(
  tx: Tx,
  clientId: string,
  disabled: boolean,
  by: DisabledBy = 'administrator',
): Promise<boolean> {
  const row = await tx
    .updateTable('client')
    .set({
      disabled_at: disabled ? sql<Date>`coalesce(disabled_at, clock_timestamp())` : null,
      disabled_by: disabled ? by : null,
    })
    .where('client_id', '=', clientId)
    .where(
      disabled
        ? sql<boolean>`(disabled_at IS NULL OR (disabled_by = 'organization' AND ${by}::text = 'administrator'))`
        : sql<boolean>`disabled_at IS NOT NULL`,
    )
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
