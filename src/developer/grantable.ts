/**
 * What a caller may put into a client's ceiling and its `introspect` list: the scopes of the organization's resources.
 * Of our own API only what the caller may do there itself, now and in that organization, so that nobody rises by
 * registering a client. An administrator may give everything. What a client has already may stay.
 */
import { sql } from 'kysely'
import type { OrganizationRole } from '../accounts/tables.ts'
import type { Client } from '../clients/client.ts'
import type { Db, Tx } from '../db/connect.ts'
import { OWN_SCOPES, SCOPES_BY_ORGANIZATION_ROLE } from '../resources/own-resource.ts'
import type { KnownScopes } from '../resources/scope-rules.ts'
import type { Actor, DeveloperDeps } from './change.ts'
import { type Reach, roleIn } from './ownership.ts'

export interface Grantable {
  /** For `resource_scopes`. */
  readonly scopes: KnownScopes
  /** For `introspect`. */
  readonly introspect: KnownScopes
}

interface Question {
  readonly actor: Actor
  readonly reach: Reach
  /** The client's. */
  readonly organizationId: string | null
  readonly present?: Pick<Client, 'ceiling' | 'introspect'> | undefined
}

/** One query. */
export async function findGrantable(
  db: Db | Tx,
  { ownResource }: Pick<DeveloperDeps, 'ownResource'>,
  { actor, reach, organizationId, present }: Question,
): Promise<Grantable> {
  const { rows } = await sql<{ identifier: string; scopes: string[] }>`
    SELECT identifier, ARRAY(SELECT name FROM resource_scope WHERE resource = identifier ORDER BY name) AS scopes
    FROM resource WHERE NOT built_in AND (organization_id = ${organizationId} OR ${reach.everywhere})
    ORDER BY identifier
  `.execute(db)
  const theirs = new Map(rows.map(({ identifier, scopes }) => [identifier, new Set(scopes)]))
  const scopes = new Map(theirs)
  scopes.set(ownResource, ownScopes(actor, reach, roleIn(reach, organizationId), ownResource))
  for (const [resource, names] of present?.ceiling ?? [])
    scopes.set(resource, new Set([...(scopes.get(resource) ?? []), ...names]))
  const introspect = new Map<string, Set<string>>(theirs)
  for (const resource of present?.introspect ?? []) introspect.set(resource, new Set())
  return { scopes, introspect }
}

function ownScopes(
  { identity }: Actor,
  reach: Reach,
  role: OrganizationRole | undefined,
  ownResource: string,
): Set<string> {
  if (identity.resource !== ownResource) return new Set()
  const ofRole: readonly string[] = role ? SCOPES_BY_ORGANIZATION_ROLE[role] : []
  const open = Object.entries(OWN_SCOPES).flatMap(([name, { restricted }]) => (restricted ? [] : [name]))
  const mayGive = new Set([...ofRole, ...open])
  return new Set(identity.scopes.filter(scope => reach.everywhere || mayGive.has(scope)))
}
