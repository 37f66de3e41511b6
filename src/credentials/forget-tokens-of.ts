import { sql } from 'kysely'
import type { Tx } from '../db/connect.ts'

/** Takes the rows of an account's personal tokens away, and where they were used from: they have been revoked before. */
export async function forgetTokensOf(tx: Tx, accountId: string): Promise<void> {
  await sql`
    WITH gone AS (DELETE FROM minted_token WHERE account_id = ${accountId} RETURNING id)
    DELETE FROM credential_last_use WHERE credential_id IN (SELECT id FROM gone)
  `.execute(tx)
}
