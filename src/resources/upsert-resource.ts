import { sql } from 'kysely'
import type { Tx } from '../db/connect.ts'
import { changed, findResource, type Resource } from './resource.ts'

/** All of a resource that can be described: the built-in one is made by own-resource.ts. */
export type DescribedResource = Omit<Resource, 'builtIn'>

/**
 * Creates the resource or makes it what is said here. Scopes are added and changed, never taken away: clients and roles
 * may hold them, and taking one away would take it from these too.
 * @returns whether anything changed (then the change log has it), and the scopes it has beyond those said here
 */
export async function upsertResource(
  tx: Tx,
  resource: DescribedResource,
): Promise<{ changed: boolean; keptScopes: readonly string[] }> {
  const written = await upsertRow(tx, resource)
  const scopes = await upsertScopes(tx, resource)
  const kept = await tx
    .selectFrom('resource_scope')
    .select('name')
    .where('resource', '=', resource.identifier)
    .where(sql<boolean>`NOT name = ANY(${[...resource.scopes.keys()]}::text[])`)
    .orderBy('name')
    .execute()
  const touched = written || scopes
  if (touched) await changed(tx, resource.identifier)
  return { changed: touched, keptScopes: kept.map(({ name }) => name) }
}

/** As columns. */
export const demandsOf = ({ layers, allowedAddresses }: Pick<Resource, 'layers' | 'allowedAddresses'>) => ({
  layers: [...layers],
  allowed_addresses: allowedAddresses?.map(({ text }) => text) ?? null,
})

async function upsertRow(tx: Tx, resource: DescribedResource): Promise<boolean> {
  const { identifier } = resource
  const values = {
    name: resource.name,
    organization_id: resource.organizationId,
    token_format: resource.tokenFormat,
    token_signing_alg: resource.tokenSigningAlg,
    access_token_lifetime: resource.accessTokenLifetime,
    env: resource.env,
    ...demandsOf(resource),
  }
  const update = () =>
    tx
      .updateTable('resource')
      .set({
        ...values,
        // On the right is what was there before.
        longest_access_token_lifetime: sql<number>`greatest(longest_access_token_lifetime, access_token_lifetime)`,
        updated_at: sql<Date>`clock_timestamp()`,
      })
      .where('identifier', '=', identifier)
      .where(sql<boolean>`(name, organization_id, token_format, token_signing_alg, access_token_lifetime, env,
          layers, allowed_addresses)
        IS DISTINCT FROM (${values.name}, ${values.organization_id}::text, ${values.token_format},
          ${values.token_signing_alg}, ${values.access_token_lifetime}::integer, ${values.env}::text,
          ${values.layers}::text[], ${values.allowed_addresses}::text[])`)
      .returning('identifier')
      .executeTakeFirst()
  if (await update()) return true
  const made = await tx
    .insertInto('resource')
    .values({ identifier, ...values })
    .onConflict(conflict => conflict.doNothing())
    .returning('identifier')
    .executeTakeFirst()
  if (made) return true
  // It was there; another transaction may have made it since the first look.
  if (await update()) return true
  if (await findResource(tx, identifier)) return false
  throw new Error(`There is a resource of the same address as ${identifier}, written in the other way`)
}

/** Adds the scopes and gives them these descriptions. @returns whether anything changed */
export async function upsertScopes(
  tx: Tx,
  { identifier, scopes }: Pick<Resource, 'identifier' | 'scopes'>,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO resource_scope AS s (resource, name, description, restricted, self_registered)
    SELECT ${identifier}, * FROM unnest(
      ${[...scopes.keys()]}::text[],
      ${[...scopes.values()].map(scope => scope.description)}::text[],
      ${[...scopes.values()].map(scope => scope.restricted)}::boolean[],
      ${[...scopes.values()].map(scope => scope.selfRegistered ?? false)}::boolean[]
    )
    ON CONFLICT (resource, name) DO UPDATE SET description = excluded.description,
      restricted = excluded.restricted, self_registered = excluded.self_registered
    WHERE (s.description, s.restricted, s.self_registered)
      IS DISTINCT FROM (excluded.description, excluded.restricted, excluded.self_registered)
    RETURNING name
  `.execute(tx)
  return rows.length > 0
}
