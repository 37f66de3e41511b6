/** What happens to the credentials for a resource when the resource changes: those whose row names its scopes. */
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'
import { CREDENTIAL_CHANGE } from './minted-token.ts'

const TABLES = [sql.table('minted_token'), sql.table('client_credential')]

/** The credentials for a resource stay credentials for it under its new identifier. */
export async function renameInCredentials(tx: Tx, from: string, to: string): Promise<void> {
  for (const table of TABLES)
    await sql`
      UPDATE ${table} SET scopes = (scopes - ${from}::text) || jsonb_build_object(${to}::text, scopes -> ${from}::text)
      WHERE scopes ? ${from}
    `.execute(tx)
  await appendChange(tx, CREDENTIAL_CHANGE, {})
}

/** Those for a resource that goes are for nothing that gets its identifier later, from whomever. */
export async function removeFromCredentials(tx: Tx, identifier: string): Promise<void> {
  for (const table of TABLES)
    await sql`
      UPDATE ${table} SET scopes = scopes - ${identifier}::text WHERE scopes ? ${identifier}
    `.execute(tx)
  await appendChange(tx, CREDENTIAL_CHANGE, {})
}
