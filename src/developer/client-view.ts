/** Clients as the pages show them. */
import type {
  ShownClient as ClientOnPage,
  ShownCertificates,
  ShownKeys,
} from '../../views/developer/client.ts'
import type { ShownClient } from '../clients/client-list.ts'
import { keepsSecret } from '../clients/client-rules.ts'
import { CERTIFICATE_METHODS } from '../clients/client-schema.ts'
import { givenScopes } from '../credentials/minted-view.ts'
import { readClientCertificate } from '../http/client-certificate.ts'
import type { Resource } from '../resources/resource.ts'
import { applicationKindOf } from './application-kind.ts'

type NameKind = NonNullable<ShownCertificates['name']>['kind']

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
  const { tokenEndpointAuthMethod: method } = client
  const kind = applicationKindOf(client)
  return {
    clientId: client.clientId,
    name: client.clientName,
    kind,
    organization: organizationId === null ? undefined : (organizations.get(organizationId) ?? organizationId),
    disabled: client.disabled,
    grantTypes: [...client.grantTypes],
    authMethod: method,
    redirectUris: [...client.redirectUris],
    postLogoutRedirectUris: [...client.postLogoutRedirectUris],
    introspect: client.introspect.map(identifier => names.get(identifier) ?? identifier),
    settings: {
      requiresPushedRequests: client.requirePushedAuthorizationRequests,
      requiresDpop: client.dpopBoundAccessTokens,
      requiresCertificate: client.tlsClientCertificateBoundAccessTokens,
      backchannelLogoutUri: client.backchannelLogoutUri ?? undefined,
      idTokenAlg: kind === 'service' ? undefined : client.idTokenSignedResponseAlg,
      isSelfRegistered: client.registration !== 'operator',
    },
    createdAt: client.createdAt,
    scopes: givenScopes(client.ceiling, resources),
    secrets: keepsSecret({ token_endpoint_auth_method: method })
      ? client.shownSecrets.map(({ expiresAt, ...secret }) => ({
          ...secret,
          expiresAt: expiresAt ?? undefined,
        }))
      : undefined,
    keys: method === 'private_key_jwt' ? keysOnPage(client) : undefined,
    certificates: CERTIFICATE_METHODS.some(one => one === method) ? certificatesOnPage(client) : undefined,
  }
}

function certificatesOnPage({ jwks, jwksUri, tlsClientAuth }: ShownClient): ShownCertificates {
  if (tlsClientAuth) {
    const { name, value } = tlsClientAuth
    return { registered: [], name: { kind: name.replace('tls_client_auth_', '') as NameKind, value } }
  }
  const certificates = (jwks?.keys ?? [])
    .flatMap(({ x5c = [] }) => x5c.slice(0, 1))
    .map(der => readClientCertificate(Buffer.from(der, 'base64')))
  return { registered: certificates.filter(one => one !== undefined), uri: jwksUri ?? undefined }
}

function keysOnPage({ jwks, jwksUri, tokenEndpointAuthSigningAlg }: ShownClient): ShownKeys {
  return {
    keys: (jwks?.keys ?? []).map(({ kid, kty = '', crv }) => ({
      kid,
      type: crv === undefined ? kty : `${kty} ${crv}`,
    })),
    uri: jwksUri ?? undefined,
    alg: tokenEndpointAuthSigningAlg ?? undefined,
  }
}
