/** What a client's form offers: the same that `registerClient` takes. */
import type { ScopeGroup } from '../../views/layout/scope-list.tsx'
import type { Client } from '../clients/client.ts'
import { choosableScopes } from '../credentials/minted-view.ts'
import type { Actor } from './change.ts'
import { findGrantable } from './grantable.ts'
import type { Reach } from './ownership.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'

export interface ChoicesQuestion {
  readonly actor: Actor
  readonly reach: Reach
  /** The client's, or all that it could be registered in. */
  readonly organizations: readonly (string | null)[]
  readonly present?: Pick<Client, 'ceiling' | 'introspect'> | undefined
}

export interface ScopeChoices {
  readonly groups: ScopeGroup[]
  /** Resources whose server it may be. */
  readonly servers: { identifier: string; name: string }[]
}

export async function scopeChoices(
  deps: Pick<DeveloperPagesDeps, 'db' | 'ownResource' | 'resources'>,
  { actor, reach, organizations, present }: ChoicesQuestion,
): Promise<ScopeChoices> {
  const allowed = new Map<string, Set<string>>()
  const servers = new Set<string>()
  // An administrator may give everything, wherever it is.
  const asked = reach.everywhere && !present ? [null] : organizations
  for (const organizationId of asked) {
    const grantable = await findGrantable(deps.db, deps, { actor, reach, organizationId, present })
    for (const [resource, names] of grantable.scopes)
      allowed.set(resource, new Set([...(allowed.get(resource) ?? []), ...names]))
    for (const resource of grantable.introspect.keys()) servers.add(resource)
  }
  const resources = await deps.resources.list()
  return {
    groups: choosableScopes(
      resources.map(resource => ({ resource, allowed: allowed.get(resource.identifier) ?? new Set() })),
    ),
    servers: resources
      .filter(({ identifier }) => servers.has(identifier))
      .map(({ identifier, name }) => ({ identifier, name })),
  }
}
