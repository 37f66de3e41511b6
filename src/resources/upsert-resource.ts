import { sql } from 'kysely'
import type { Tx } from '../db/connect.ts'
import { changed, type Resource } from './resource.ts'

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

async function upsertRow(tx: Tx, resource: DescribedResource): Promise<boolean> {
  const values = {
    name: resource.name,
    organization_id: resource.organizationId,
    token_format: resource.tokenFormat,
    token_signing_alg: resource.tokenSigningAlg,
    access_token_lifetime: resource.accessTokenLifetime,
    env: resource.env,
  }
  const row = await tx
    .insertInto('resource')
    .values({ identifier: resource.identifier, ...values })
    .onConflict(conflict =>
      conflict
        .column('identifier')
        .doUpdateSet({ ...values, updated_at: sql<Date>`clock_timestamp()` })
        .where(sql<boolean>`(resource.name, resource.organization_id, resource.token_format,
            resource.token_signing_alg, resource.access_token_lifetime, resource.env)
          IS DISTINCT FROM (excluded.name, excluded.organization_id, excluded.token_format,
            excluded.token_signing_alg, excluded.access_token_lifetime, excluded.env)`),
    )
    .returning('identifier')
    .executeTakeFirst()
  return row !== undefined
}

/** Adds the scopes and gives them these descriptions. @returns whether anything changed */
export async function upsertScopes(
  tx: Tx,
  { identifier, scopes }: Pick<Resource, 'identifier' | 'scopes'>,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO resource_scope AS s (resource, name, description, restricted)
    SELECT ${identifier}, * FROM unnest(
      ${[...scopes.keys()]}::text[],
      ${[...scopes.values()].map(scope => scope.description)}::text[],
      ${[...scopes.values()].map(scope => scope.restricted)}::boolean[]
    )
    ON CONFLICT (resource, name) DO UPDATE SET description = excluded.description, restricted = excluded.restricted
    WHERE (s.description, s.restricted) IS DISTINCT FROM (excluded.description, excluded.restricted)
    RETURNING name
  `.execute(tx)
  return rows.length > 0
}
