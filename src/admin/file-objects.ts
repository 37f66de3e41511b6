/** From the declarative file's words to the rooms' own. */
import { describeClient } from '../clients/describe-client.ts'
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

export function describeFileClient(client: FileClient): DescribedClient {
  return { ...describeClient(client), secret: client.client_secret }
}
