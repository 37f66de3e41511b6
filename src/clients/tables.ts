import type { JSONWebKeySet } from 'jose'
import type { Generated, JSONColumnType } from 'kysely'
import type { SigningAlg } from '../secrets/signing-alg.ts'
import type { CERTIFICATE_NAMES } from './client-schema.ts'

export type ApplicationType = 'web' | 'native'
export type TokenEndpointAuthMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'
  | 'none'
/** The one name in its certificate that is a client's with tls_client_auth (RFC 8705, section 2.1.2). */
export interface TlsClientAuth {
  readonly name: (typeof CERTIFICATE_NAMES)[number]
  readonly value: string
}
/** How it came to be: an operator or developer described it, it registered itself, or its `client_id` is a document's address. */
export type ClientRegistration = 'operator' | 'dynamic' | 'metadata_document'

/** Who shut it: only an administrator opens what an administrator has shut. */
export type DisabledBy = 'administrator' | 'organization'

export interface ClientTables {
  client: {
    client_id: string
    client_name: string
    organization_id: string | null
    application_type: Generated<ApplicationType>
    redirect_uris: Generated<string[]>
    post_logout_redirect_uris: Generated<string[]>
    grant_types: string[]
    token_endpoint_auth_method: TokenEndpointAuthMethod
    token_endpoint_auth_signing_alg: string | null
    /** Public keys. */
    jwks: JSONColumnType<JSONWebKeySet> | null
    jwks_uri: string | null
    require_pushed_authorization_requests: Generated<boolean>
    dpop_bound_access_tokens: Generated<boolean>
    tls_client_auth: JSONColumnType<TlsClientAuth> | null
    tls_client_certificate_bound_access_tokens: Generated<boolean>
    backchannel_logout_uri: string | null
    backchannel_logout_session_required: Generated<boolean>
    registration: Generated<ClientRegistration>
    default_scope: string | null
    require_pkce: Generated<boolean>
    require_consent: Generated<boolean>
    id_token_signed_response_alg: Generated<SigningAlg>
    /** Identifiers of the resources this client is the server of (it may introspect their tokens). */
    introspect: Generated<string[]>
    /** RFC 7591 metadata that is only shown: client_uri, logo_uri, policy_uri, tos_uri, contacts. */
    metadata: JSONColumnType<Record<string, unknown>>
    disabled_at: Date | null
    /** null as well where it was shut before this was recorded. */
    disabled_by: DisabledBy | null
    created_at: Generated<Date>
    updated_at: Generated<Date>
  }
  /** The ceiling: the scopes a client can have, per resource. */
  client_scope: {
    client_id: string
    resource: string
    scope: string
  }
  client_secret: {
    id: string
    client_id: string
    /** HMAC-SHA-256 of the secret under the pepper `pepper_id`. */
    hash: Buffer
    pepper_id: string
    last4: string
    origin: 'file' | 'generated'
    created_at: Generated<Date>
    expires_at: Date | null
    revoked_at: Date | null
    /** It became known to others: the declarative file cannot bring it back. */
    leaked_at: Date | null
  } /** Who may register a client of itself (RFC 7591, section 3). From the declarative file. */
  initial_access_token: {
    name: string
    /** HMAC-SHA-256 under the pepper `pepper_id`. */
    token_hash: Buffer
    pepper_id: string
    expires_at: Date | null
    created_at: Generated<Date>
    updated_at: Generated<Date>
  }
  /** The ceiling of the clients that it registers. */
  initial_access_token_scope: {
    token_name: string
    resource: string
    scope: string
  }
  /** When the document was read that is a client's `client_id` (metadata-document.ts). */
  client_metadata_document: {
    client_id: string
    fetched_at: Date
    /** Then it is to be read again. */
    fresh_until: Date
    /** Then, if it could not be read again, the client is refused. */
    usable_until: Date
    /** When reading it was last tried. */
    tried_at: Date
  }
  /** A client that registered itself, and the token it is managed with (RFC 7592). */
  client_registration: {
    client_id: string
    token_hash: Buffer
    pepper_id: string
    /** With which it was registered; null: with none. */
    initial_access_token: string | null
    /** HMAC of the network it was registered from, where there was no initial access token. */
    source_hash: Buffer | null
    /** It has got a token. */
    used: Generated<boolean>
    created_at: Generated<Date>
  }
  /** When a client that registered itself last got a token. */
  client_use: {
    client_id: string
    used_at: Date
  }
  /** One row. */
  registration_gate: {
    id: Generated<boolean>
    passed_at: Generated<Date>
  }
}
