/** Access as a person reads it: in groups of one resource, in the resource's words. */
import { en } from '../../views/messages/en.ts'
import type { ConsentScopeGroup } from '../../views/oidc/scope-choice.tsx'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { type Access, openidScopeLabel } from './access.ts'

/** Every scope ticked; `openid` cannot be unticked. Groups without scopes are left out. */
export async function consentGroups(
  resources: ResourceDirectory,
  access: Access,
): Promise<ConsentScopeGroup[]> {
  const groups = await Promise.all(
    [undefined, ...access.resources.keys()].map(async identifier => {
      const resource = identifier === undefined ? undefined : await resources.find(identifier)
      const scopes = identifier === undefined ? access.openid : (access.resources.get(identifier) ?? [])
      return {
        title: resource?.name ?? en.standardScopes.title,
        ...(identifier !== undefined && { resource: identifier }),
        scopes: scopes.map(value => ({
          value,
          label: resource?.scopes.get(value)?.description ?? openidScopeLabel(value),
          ...(resource && {
            description: value,
            restricted: resource.scopes.get(value)?.restricted ?? false,
          }),
          required: value === 'openid',
          checked: true,
        })),
      }
    }),
  )
  return groups.filter(({ scopes }) => scopes.length > 0)
}
