/** A resource is made, loses scopes, or is gone. What describes one that may be there already is upsert-resource.ts. */
import { sql } from 'kysely'
import { changed as clientChanged } from '../clients/client.ts'
import { appendChange } from '../db/change-log.ts'
import type { Tx } from '../db/connect.ts'
import { changed } from './resource.ts'
import { type DescribedResource, demandsOf, upsertScopes } from './upsert-resource.ts'

/** @returns false when there is a resource of this address, whoever's it is: then nothing was written */
export async function createResource(tx: Tx, resource: DescribedResource): Promise<boolean> {
  const row = await tx
    .insertInto('resource')
    .values({
      identifier: resource.identifier,
      name: resource.name,
      organization_id: resource.organizationId,
      token_format: resource.tokenFormat,
      token_signing_alg: resource.tokenSigningAlg,
      access_token_lifetime: resource.accessTokenLifetime,
      env: resource.env,
      ...demandsOf(resource),
    })
    .onConflict(conflict => conflict.doNothing())
    .returning('identifier')
    .executeTakeFirst()
  if (!row) return false
  await upsertScopes(tx, resource)
  await changed(tx, resource.identifier)
  return true
}

/** Takes scopes away, also from the clients and roles that have them. @returns whether there was one */
export async function removeScopes(tx: Tx, identifier: string, names: readonly string[]): Promise<boolean> {
  if (names.length === 0) return false
  await noteHolders(tx, identifier, names)
  const { rows } = await sql`
    DELETE FROM resource_scope WHERE resource = ${identifier} AND name = ANY(${[...names]}::text[]) RETURNING name
  `.execute(tx)
  if (rows.length > 0) await changed(tx, identifier)
  return rows.length > 0
}

/** Nothing is issued for it and nothing taken there any more. Whoever registers the identifier again begins with nothing. */
export async function deleteResource(tx: Tx, identifier: string): Promise<boolean> {
  await noteHolders(tx, identifier)
  const servers = await sql<{ client_id: string }>`
    UPDATE client SET introspect = array_remove(introspect, ${identifier})
    WHERE ${identifier} = ANY(introspect) RETURNING client_id
  `.execute(tx)
  for (const { client_id: clientId } of servers.rows) await clientChanged(tx, clientId)
  const row = await tx
    .deleteFrom('resource')
    .where('identifier', '=', identifier)
    .returning('identifier')
    .executeTakeFirst()
  if (row) await changed(tx, identifier)
  return row !== undefined
}

/** Those whose rows go along are told. @param names some scopes, or all */
async function noteHolders(tx: Tx, identifier: string, names?: readonly string[]): Promise<void> {
  const which = names ? sql`AND scope = ANY(${[...names]}::text[])` : sql``
  const { rows } = await sql<{ client_id: string | null; role: string | null }>`
    SELECT DISTINCT client_id, NULL AS role FROM client_scope WHERE resource = ${identifier} ${which}
    UNION SELECT NULL, role FROM role_scope WHERE resource = ${identifier} ${which}
  `.execute(tx)
  for (const { client_id: clientId, role } of rows) {
    if (clientId !== null) await clientChanged(tx, clientId)
    if (role !== null) await appendChange(tx, 'role', { name: role })
  }
}

/** Makes those who change one resource follow each other: the lock of its row, until the transaction ends. */
export async function lockResource(tx: Tx, identifier: string): Promise<void> {
  await tx
    .updateTable('resource')
    .set({ updated_at: sql<Date>`clock_timestamp()` })
    .where('identifier', '=', identifier)
    .execute()
}
