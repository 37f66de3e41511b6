/** A client on the wire: the names of RFC 7591, and our own for what it does not know. */
import { z } from 'zod'
import type { Client } from '../clients/client.ts'
import type { ShownClient, ShownSecret } from '../clients/client-list.ts'
import { APPLICATION_TYPES, ASSERTION_ALGS, AUTH_METHODS, protocolKeys } from '../clients/client-schema.ts'
import type { ClientWords } from '../clients/describe-client.ts'
import type { ClientRegistration, DisabledBy, TlsClientAuth } from '../clients/tables.ts'
import { SIGNING_ALGS } from '../secrets/signing-alg.ts'
import { APPLICATION_KINDS, applicationKindOf } from './application-kind.ts'

export const secretObject = z
  .strictObject({
    id: z.string(),
    last4: z.string(),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().nullable(),
    secret: z.string().optional().describe('In the answer that made it, and never again'),
  })
  .meta({ id: 'ClientSecret' })

const REGISTRATIONS = ['operator', 'dynamic', 'metadata_document'] as const satisfies ClientRegistration[]
const DISABLED_BY = ['administrator', 'organization'] as const satisfies DisabledBy[]

export const clientObject = z
  .strictObject({
    client_id: z.string(),
    client_name: z.string(),
    organization: z.string().nullable(),
    application_kind: z.enum(APPLICATION_KINDS),
    application_type: z.enum(APPLICATION_TYPES),
    redirect_uris: z.array(z.string()),
    post_logout_redirect_uris: z.array(z.string()),
    grant_types: z.array(z.string()),
    token_endpoint_auth_method: z.enum(AUTH_METHODS),
    token_endpoint_auth_signing_alg: z.enum(ASSERTION_ALGS).nullable(),
    jwks: protocolKeys.jwks.nullable(),
    jwks_uri: z.string().nullable(),
    require_pushed_authorization_requests: z.boolean(),
    dpop_bound_access_tokens: z.boolean(),
    tls_client_auth_subject_dn: z.string().nullable(),
    tls_client_auth_san_dns: z.string().nullable(),
    tls_client_auth_san_uri: z.string().nullable(),
    tls_client_auth_san_ip: z.string().nullable(),
    tls_client_auth_san_email: z.string().nullable(),
    tls_client_certificate_bound_access_tokens: z.boolean(),
    backchannel_logout_uri: z.string().nullable(),
    backchannel_logout_session_required: z.boolean(),
    resource_scopes: z.record(z.string(), z.array(z.string())),
    default_scope: z.string().nullable(),
    require_pkce: z.boolean(),
    require_consent: z.boolean(),
    id_token_signed_response_alg: z.enum(SIGNING_ALGS),
    introspect: z.array(z.string()),
    client_uri: z.string().optional(),
    logo_uri: z.string().optional(),
    policy_uri: z.string().optional(),
    tos_uri: z.string().optional(),
    contacts: z.array(z.string()).optional(),
    registration: z
      .enum(REGISTRATIONS)
      .describe('operator: by somebody here; the others registered themselves, nobody vouches for them'),
    disabled: z.boolean(),
    disabled_by: z
      .enum(DISABLED_BY)
      .nullable()
      .describe('administrator: only an administrator enables it again; null when it is enabled'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    secrets: z
      .array(secretObject)
      .describe('None for a public client, and for one with a key or a certificate instead'),
    secret: z.string().optional().describe('In the answer that registered it, and never again'),
  })
  .meta({ id: 'Client' })

export type ClientJson = z.input<typeof clientObject>

type StoredSettings = Pick<ClientJson, keyof typeof protocolKeys>

/** A stored client in the words it was described with; `describeClient` is the way back. */
export function wordsOf(client: Client): ClientWords & StoredSettings {
  const { client_uri, logo_uri, policy_uri, tos_uri, contacts } = client.metadata
  return {
    client_id: client.clientId,
    client_name: client.clientName,
    organization: client.organizationId,
    application_type: client.applicationType,
    redirect_uris: [...client.redirectUris],
    post_logout_redirect_uris: [...client.postLogoutRedirectUris],
    grant_types: client.grantTypes as ClientWords['grant_types'],
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    ...storedSettings(client),
    resource_scopes: Object.fromEntries(
      [...client.ceiling].map(([resource, scopes]) => [resource, [...scopes]]),
    ),
    default_scope: client.defaultScope,
    require_pkce: client.requirePkce,
    require_consent: client.requireConsent,
    id_token_signed_response_alg: client.idTokenSignedResponseAlg,
    introspect: [...client.introspect],
    ...(client_uri !== undefined && { client_uri }),
    ...(logo_uri !== undefined && { logo_uri }),
    ...(policy_uri !== undefined && { policy_uri }),
    ...(tos_uri !== undefined && { tos_uri }),
    ...(contacts !== undefined && { contacts: [...contacts] }),
  }
}

function storedSettings(client: Client): StoredSettings {
  const nameIn = (name: TlsClientAuth['name']) =>
    client.tlsClientAuth?.name === name ? client.tlsClientAuth.value : null
  return {
    token_endpoint_auth_signing_alg:
      client.tokenEndpointAuthSigningAlg as StoredSettings['token_endpoint_auth_signing_alg'],
    jwks: client.jwks as StoredSettings['jwks'],
    jwks_uri: client.jwksUri,
    require_pushed_authorization_requests: client.requirePushedAuthorizationRequests,
    dpop_bound_access_tokens: client.dpopBoundAccessTokens,
    tls_client_auth_subject_dn: nameIn('tls_client_auth_subject_dn'),
    tls_client_auth_san_dns: nameIn('tls_client_auth_san_dns'),
    tls_client_auth_san_uri: nameIn('tls_client_auth_san_uri'),
    tls_client_auth_san_ip: nameIn('tls_client_auth_san_ip'),
    tls_client_auth_san_email: nameIn('tls_client_auth_san_email'),
    tls_client_certificate_bound_access_tokens: client.tlsClientCertificateBoundAccessTokens,
    backchannel_logout_uri: client.backchannelLogoutUri,
    backchannel_logout_session_required: client.backchannelLogoutSessionRequired,
  }
}

export function clientJson(client: ShownClient, secret?: string): ClientJson {
  const { client_name, organization, default_scope, ...words } = wordsOf(client)
  return {
    ...words,
    client_name: client_name ?? client.clientId,
    organization: organization ?? null,
    default_scope: default_scope ?? null,
    application_kind: applicationKindOf(client),
    registration: client.registration,
    disabled: client.disabled,
    disabled_by: client.disabledBy,
    created_at: client.createdAt.toISOString(),
    updated_at: client.updatedAt.toISOString(),
    secrets: client.shownSecrets.map(shown => secretJson(shown)),
    ...(secret !== undefined && { secret }),
  }
}

export function secretJson(
  { id, last4, createdAt, expiresAt }: ShownSecret,
  secret?: string,
): z.input<typeof secretObject> {
  return {
    id,
    last4,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt?.toISOString() ?? null,
    ...(secret !== undefined && { secret }),
  }
}
