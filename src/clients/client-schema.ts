/** The keys of a client, each by itself, under the names of RFC 7591. What they must have to do with each other: client-rules.ts. */
import { z } from 'zod'
import { emailText, shownText } from '../accounts/shown-text.ts'
import { webUrl } from '../http/text-schema.ts'
import { SIGNING_ALGS } from '../secrets/signing-alg.ts'

export const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const GRANT_TYPES = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  DEVICE_CODE,
  TOKEN_EXCHANGE,
] as const
/** By a certificate (RFC 8705, section 2): of an authority that we trust, or one that the client registered. */
export const CERTIFICATE_METHODS = ['tls_client_auth', 'self_signed_tls_client_auth'] as const
export const AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  ...CERTIFICATE_METHODS,
  'none',
] as const
/** What of a certificate is the client's with tls_client_auth: exactly one of them (RFC 8705, section 2.1.2). */
export const CERTIFICATE_NAMES = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const
/** With which a client may sign its assertions (RFC 7523). Both names of EdDSA over Ed25519 are in use (RFC 8037, RFC 9864). */
export const ASSERTION_ALGS = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256'] as const
export const APPLICATION_TYPES = ['web', 'native'] as const

const LATER = 'in this version'

export const supported = <const T extends readonly string[]>(values: T) =>
  z.enum(values, {
    error: ({ input }) =>
      typeof input === 'string' && input !== ''
        ? `must be one of ${values.join(', ')}: ${LATER} no other is supported`
        : undefined,
  })

export const signingAlg = supported(SIGNING_ALGS)

/** RFC 7591 metadata that is only shown to people. */
export const shownMetadata = {
  client_uri: webUrl,
  logo_uri: webUrl,
  policy_uri: webUrl,
  tos_uri: webUrl,
  contacts: z.array(emailText),
}

/** Without defaults: those are the caller's. */
export const clientKeys = {
  client_name: shownText,
  application_type: z.enum(APPLICATION_TYPES),
  redirect_uris: z.array(z.string()),
  post_logout_redirect_uris: z.array(z.string()),
  grant_types: z.array(supported(GRANT_TYPES)),
  token_endpoint_auth_method: supported(AUTH_METHODS),
  /** Scope names by resource identifier: the ceiling. */
  resource_scopes: z.record(z.string(), z.array(z.string())),
  default_scope: z.string(),
  require_pkce: z.boolean(),
  require_consent: z.boolean(),
  id_token_signed_response_alg: signingAlg,
  introspect: z.array(z.string()),
}

const uri = z.string().max(2000)
const keyText = z.string().min(1).max(8000)
const nameText = z.string().min(1).max(1000)

/** A JWK (RFC 7517). What makes it a public and usable one: client-key-rules.ts. */
const publicKey = z.looseObject({
  kty: keyText,
  kid: keyText.exactOptional(),
  alg: keyText.exactOptional(),
  use: keyText.exactOptional(),
  x5c: z.array(keyText).exactOptional(),
})

/** What a client of a plain kind does without. Left out or null: no, or none. */
export const protocolKeys = {
  token_endpoint_auth_signing_alg: supported(ASSERTION_ALGS),
  jwks: z.strictObject({ keys: z.array(publicKey).min(1).max(20) }),
  jwks_uri: uri,
  require_pushed_authorization_requests: z.boolean(),
  dpop_bound_access_tokens: z.boolean(),
  tls_client_auth_subject_dn: nameText,
  tls_client_auth_san_dns: nameText,
  tls_client_auth_san_uri: nameText,
  tls_client_auth_san_ip: nameText,
  tls_client_auth_san_email: nameText,
  tls_client_certificate_bound_access_tokens: z.boolean(),
  backchannel_logout_uri: uri,
  backchannel_logout_session_required: z.boolean(),
}
