/** What is sent to register a client, or to change one: the names of RFC 7591, and our own for what it does not know. */
import { z } from 'zod'
import { clientKeys, protocolKeys, shownMetadata } from '../clients/client-schema.ts'
import { APPLICATION_KINDS } from './application-kind.ts'

/** With tls_client_auth exactly one of them: the name in its certificate that is the client's (RFC 8705, section 2.1.2). */
const certificateNames = {
  tls_client_auth_subject_dn: protocolKeys.tls_client_auth_subject_dn
    .nullable()
    .optional()
    .describe('For tls_client_auth: the subject of its certificate (RFC 4514), or one of the other names'),
  tls_client_auth_san_dns: protocolKeys.tls_client_auth_san_dns.nullable().optional(),
  tls_client_auth_san_uri: protocolKeys.tls_client_auth_san_uri.nullable().optional(),
  tls_client_auth_san_ip: protocolKeys.tls_client_auth_san_ip.nullable().optional(),
  tls_client_auth_san_email: protocolKeys.tls_client_auth_san_email.nullable().optional(),
}

const changeable = {
  client_name: clientKeys.client_name,
  redirect_uris: clientKeys.redirect_uris.optional(),
  post_logout_redirect_uris: clientKeys.post_logout_redirect_uris.optional(),
  grant_types: clientKeys.grant_types.optional(),
  resource_scopes: clientKeys.resource_scopes
    .optional()
    .describe('The most it can ask for: scope names by resource identifier'),
  default_scope: clientKeys.default_scope
    .nullable()
    .optional()
    .describe('What it gets when it asks for no scope'),
  introspect: clientKeys.introspect
    .optional()
    .describe('Resources whose server it is: it may introspect and verify their credentials'),
  require_pkce: clientKeys.require_pkce.optional().describe('false: administrators only'),
  require_consent: clientKeys.require_consent.optional().describe('false: administrators only'),
  token_endpoint_auth_method: clientKeys.token_endpoint_auth_method.optional(),
  token_endpoint_auth_signing_alg: protocolKeys.token_endpoint_auth_signing_alg
    .nullable()
    .optional()
    .describe('The only algorithm of its assertions; any that is offered unless said'),
  jwks: protocolKeys.jwks
    .nullable()
    .optional()
    .describe(
      'For private_key_jwt: its public keys; for self_signed_tls_client_auth: its certificates, in x5c. Either these or jwks_uri',
    ),
  jwks_uri: protocolKeys.jwks_uri.nullable().optional().describe('Where its public keys are'),
  require_pushed_authorization_requests: protocolKeys.require_pushed_authorization_requests
    .optional()
    .describe('Its authorization requests come through /par only (RFC 9126)'),
  dpop_bound_access_tokens: protocolKeys.dpop_bound_access_tokens
    .optional()
    .describe('All of its tokens are bound to a key that it proves to have (RFC 9449)'),
  ...certificateNames,
  tls_client_certificate_bound_access_tokens: protocolKeys.tls_client_certificate_bound_access_tokens
    .optional()
    .describe('All of its tokens are bound to the certificate that it shows (RFC 8705)'),
  backchannel_logout_uri: protocolKeys.backchannel_logout_uri
    .nullable()
    .optional()
    .describe('Told when a session ends in which it took part'),
  backchannel_logout_session_required: protocolKeys.backchannel_logout_session_required.optional(),
  id_token_signed_response_alg: clientKeys.id_token_signed_response_alg.optional(),
  ...z.object(shownMetadata).partial().shape,
}

export const newClient = z
  .strictObject({
    ...changeable,
    organization: z
      .string()
      .nullable()
      .optional()
      .describe('Needed when the caller acts on several organizations'),
    application_kind: z
      .enum(APPLICATION_KINDS)
      .optional()
      .describe(
        'Chooses application_type, grant_types and token_endpoint_auth_method, unless these are sent',
      ),
    application_type: clientKeys.application_type.optional(),
  })
  .meta({ id: 'NewClient' })

/** A key left out stays as it is; a list is replaced. null takes a value away. */
export const clientChanges = z
  .strictObject({
    ...changeable,
    client_name: clientKeys.client_name.optional(),
    client_uri: shownMetadata.client_uri.nullable().optional(),
    logo_uri: shownMetadata.logo_uri.nullable().optional(),
    policy_uri: shownMetadata.policy_uri.nullable().optional(),
    tos_uri: shownMetadata.tos_uri.nullable().optional(),
    contacts: shownMetadata.contacts.nullable().optional(),
    disabled: z.boolean().optional(),
  })
  .meta({ id: 'ClientChanges' })

export type NewClient = z.output<typeof newClient>
export type ClientChanges = z.output<typeof clientChanges>
