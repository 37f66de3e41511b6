/** Clients as the pages show them. */
import type { ShownClient as ClientOnPage } from '../../views/developer/client.ts'
import type { ShownClient } from '../clients/client-list.ts'
import { isPublic } from '../clients/client-rules.ts'
import { givenScopes } from '../credentials/minted-view.ts'
import type { Resource } from '../resources/resource.ts'
import { applicationKindOf } from './application-kind.ts'

/**
 * @param organizations names by id
 * @param resources all there are, for the names of what it may ask for
 */
export function clientOnPage(
  client: ShownClient,
  organizations: ReadonlyMap<string, string>,
  resources: readonly Resource[],
): ClientOnPage {
  const { organizationId } = client
  const names = new Map(resources.map(({ identifier, name }) => [identifier, name]))
  const keepsNoSecret = isPublic({ token_endpoint_auth_method: client.tokenEndpointAuthMethod })
  return {
    clientId: client.clientId,
    name: client.clientName,
    kind: applicationKindOf(client),
    organization: organizationId === null ? undefined : (organizations.get(organizationId) ?? organizationId),
    disabled: client.disabled,
    grantTypes: [...client.grantTypes],
    authMethod: client.tokenEndpointAuthMethod,
    redirectUris: [...client.redirectUris],
    postLogoutRedirectUris: [...client.postLogoutRedirectUris],
    introspect: client.introspect.map(identifier => names.get(identifier) ?? identifier),
    createdAt: client.createdAt,
    scopes: givenScopes(client.ceiling, resources),
    secrets: keepsNoSecret
      ? undefined
      : client.shownSecrets.map(({ expiresAt, ...secret }) => ({
          ...secret,
          expiresAt: expiresAt ?? undefined,
        })),
  }
}
