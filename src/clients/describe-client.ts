/** From the words of RFC 7591, as the declarative file and the JSON API use them, to the room's own. */
import type { z } from 'zod'
import { CERTIFICATE_NAMES, type clientKeys, type protocolKeys, type shownMetadata } from './client-schema.ts'
import type { TlsClientAuth } from './tables.ts'
import type { DescribedClient } from './upsert-client.ts'

type Words<Keys extends Record<string, z.ZodType>> = { readonly [Key in keyof Keys]: z.output<Keys[Key]> }
type OptionalOrNull<T> = { readonly [Key in keyof T]?: T[Key] | null | undefined }
type Optional<T> = { readonly [Key in keyof T]?: T[Key] | undefined }

/** Everything has been checked, and what was left out has its default. */
export type ClientWords = Omit<Words<typeof clientKeys>, 'client_name' | 'default_scope'> &
  Optional<Words<typeof shownMetadata>> &
  OptionalOrNull<Words<typeof protocolKeys>> & {
    readonly client_id: string
    readonly client_name?: string | undefined
    readonly organization?: string | null | undefined
    readonly default_scope?: string | null | undefined
  }

export function describeClient(client: ClientWords): DescribedClient {
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
    tokenEndpointAuthSigningAlg: client.token_endpoint_auth_signing_alg ?? null,
    jwks: client.jwks ?? null,
    jwksUri: client.jwks_uri ?? null,
    requirePushedAuthorizationRequests: client.require_pushed_authorization_requests ?? false,
    dpopBoundAccessTokens: client.dpop_bound_access_tokens ?? false,
    tlsClientAuth: tlsClientAuthOf(client),
    tlsClientCertificateBoundAccessTokens: client.tls_client_certificate_bound_access_tokens ?? false,
    backchannelLogoutUri: client.backchannel_logout_uri ?? null,
    backchannelLogoutSessionRequired: client.backchannel_logout_session_required ?? false,
    registration: 'operator',
    defaultScope: client.default_scope ?? null,
    requirePkce: client.require_pkce,
    requireConsent: client.require_consent,
    idTokenSignedResponseAlg: client.id_token_signed_response_alg,
    introspect: client.introspect,
    metadata: Object.fromEntries(shown.filter(([, value]) => value !== undefined)),
    ceiling: new Map(
      Object.entries(client.resource_scopes).map(([resource, scopes]) => [resource, new Set(scopes)]),
    ),
  }
}

/** At most one of them is there: client-certificate-rules.ts. */
function tlsClientAuthOf(client: ClientWords): TlsClientAuth | null {
  for (const name of CERTIFICATE_NAMES) {
    const value = client[name]
    if (value !== undefined && value !== null) return { name, value }
  }
  return null
}
