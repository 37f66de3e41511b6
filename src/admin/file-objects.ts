/** From the declarative file's words to the rooms' own. */
import type { DescribedClient } from '../clients/upsert-client.ts'
import type { DescribedResource } from '../resources/upsert-resource.ts'
import type { FileClient, FileResource } from './file-schema.ts'

export function describeResource(resource: FileResource): DescribedResource {
  return {
    identifier: resource.identifier,
    name: resource.name,
    organizationId: resource.organization ?? null,
    tokenFormat: resource.token_format,
    tokenSigningAlg: resource.token_signing_alg,
    accessTokenLifetime: resource.access_token_lifetime,
    env: resource.env ?? null,
    scopes: new Map(Object.entries(resource.scopes)),
  }
}

export function describeClient(client: FileClient): DescribedClient {
  const { client_uri, logo_uri, policy_uri, tos_uri, contacts } = client
  const shown = Object.entries({ client_uri, logo_uri, policy_uri, tos_uri, contacts })
  return {
    clientId: client.client_id,
    clientName: client.client_name ?? client.client_id,
    organizationId: client.organization ?? null,
    applicationType: client.application_type,
    redirectUris: client.redirect_uris,
    postLogoutRedirectUris: client.post_logout_redirect_uris,
    grantTypes: client.grant_types,
    tokenEndpointAuthMethod: client.token_endpoint_auth_method,
    defaultScope: client.default_scope ?? null,
    requirePkce: client.require_pkce,
    requireConsent: client.require_consent,
    idTokenSignedResponseAlg: client.id_token_signed_response_alg,
    introspect: client.introspect,
    metadata: Object.fromEntries(shown.filter(([, value]) => value !== undefined)),
    ceiling: new Map(
      Object.entries(client.resource_scopes).map(([resource, scopes]) => [resource, new Set(scopes)]),
    ),
    secret: client.client_secret,
  }
}
