/** From the declarative file's words to the rooms' own. */
import { describeClient } from '../clients/describe-client.ts'
import type { DescribedInitialAccessToken } from '../clients/initial-access-token.ts'
import type { DescribedClient } from '../clients/upsert-client.ts'
import { inOrder, rangesFrom, usualTokenFormat } from '../resources/resource-layers.ts'
import type { DescribedResource } from '../resources/upsert-resource.ts'
import type { FileClient, FileInitialAccessToken, FileResource } from './file-schema.ts'

export function describeResource(resource: FileResource): DescribedResource {
  return {
    identifier: resource.identifier,
    name: resource.name,
    organizationId: resource.organization ?? null,
    tokenFormat: resource.token_format ?? usualTokenFormat(resource),
    tokenSigningAlg: resource.token_signing_alg,
    accessTokenLifetime: resource.access_token_lifetime,
    env: resource.env ?? null,
    layers: inOrder(resource.layers),
    allowedAddresses: rangesFrom(resource.allowed_addresses),
    scopes: new Map(
      Object.entries(resource.scopes).map(([name, { self_registered: selfRegistered, ...scope }]) => [
        name,
        { ...scope, selfRegistered },
      ]),
    ),
  }
}

export function describeFileClient(client: FileClient): DescribedClient {
  return { ...describeClient(client), secret: client.client_secret }
}

export function describeInitialAccessToken(token: FileInitialAccessToken): DescribedInitialAccessToken {
  return {
    name: token.name,
    token: token.token,
    expiresAt: token.expires_at ?? null,
    ceiling: new Map(
      Object.entries(token.resource_scopes).map(([resource, scopes]) => [resource, new Set(scopes)]),
    ),
  }
}
