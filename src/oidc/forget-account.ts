import { sql } from 'kysely'
import type { Tx } from '../db/connect.ts'

/** What rows that are still needed for a while say about a person: from where, and with which browser. */
export async function forgetAccount(tx: Tx, accountId: string): Promise<void> {
  for (const table of ['session', 'device_code'])
    await sql`
      UPDATE ${sql.table(table)} SET address = NULL, user_agent = NULL WHERE account_id = ${accountId}
    `.execute(tx)
}
