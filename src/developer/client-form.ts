/**
 * The form of a client. Its fields have the names of RFC 7591; where a form needs other values: URIs one a line, `jwks` as
 * JSON, and `scope` is a checkbox with the value `<resource> <scope>`.
 */
import { comesBack, hearsOfLogout, isConfidential } from '../../views/developer/client.ts'
import type { ClientValues } from '../../views/developer/client-form.tsx'
import type { ShownClient } from '../clients/client-list.ts'
import { CERTIFICATE_NAMES, TOKEN_EXCHANGE } from '../clients/client-schema.ts'
import { scopesOf } from '../credentials/minted-form.ts'
import { type FormErrors, formErrorsOf, linesOf } from '../http/form-errors.ts'
import type { Form } from '../http/forms.ts'
import { parseJson } from '../http/json-text.ts'
import { type FieldError, Problem, validationFailed } from '../http/problem.ts'
import { type ApplicationKind, applicationKindOf, SETTINGS_OF_KIND } from './application-kind.ts'
import { type ClientChanges, clientChanges, type NewClient, newClient } from './client-input.ts'
import { organizationSent } from './page-deps.ts'
import { keySetOf, pemOf } from './pem-key-set.ts'
import { readInput } from './schema-input.ts'

export function typedClient(form: Form): ClientValues {
  const text = (name: string) => form.get(name) ?? ''
  const trimmed = (name: string) => text(name).trim()
  const isTicked = (name: string) => form.get(name) !== undefined
  return {
    client_name: text('client_name'),
    organization: text('organization'),
    redirect_uris: text('redirect_uris'),
    post_logout_redirect_uris: text('post_logout_redirect_uris'),
    scope: form.all('scope'),
    introspect: form.all('introspect'),
    token_exchange: isTicked('token_exchange'),
    token_endpoint_auth_method: text('token_endpoint_auth_method'),
    token_endpoint_auth_signing_alg: text('token_endpoint_auth_signing_alg'),
    jwks: trimmed('jwks'),
    jwks_uri: trimmed('jwks_uri'),
    certificates: trimmed('certificates'),
    certificate_name: text('certificate_name'),
    certificate_value: trimmed('certificate_value'),
    require_pushed_authorization_requests: isTicked('require_pushed_authorization_requests'),
    dpop_bound_access_tokens: isTicked('dpop_bound_access_tokens'),
    tls_client_certificate_bound_access_tokens: isTicked('tls_client_certificate_bound_access_tokens'),
    backchannel_logout_uri: trimmed('backchannel_logout_uri'),
    backchannel_logout_session_required: isTicked('backchannel_logout_session_required'),
    id_token_signed_response_alg: text('id_token_signed_response_alg'),
  }
}

export function valuesOf(client: ShownClient): ClientValues {
  const hasCertificates = client.tokenEndpointAuthMethod === 'self_signed_tls_client_auth'
  return {
    client_name: client.clientName,
    organization: client.organizationId ?? '',
    redirect_uris: client.redirectUris.join('\n'),
    post_logout_redirect_uris: client.postLogoutRedirectUris.join('\n'),
    scope: [...client.ceiling].flatMap(([resource, names]) => [...names].map(name => `${resource} ${name}`)),
    introspect: [...client.introspect],
    token_exchange: client.grantTypes.includes(TOKEN_EXCHANGE),
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    token_endpoint_auth_signing_alg: client.tokenEndpointAuthSigningAlg ?? '',
    jwks: client.jwks && !hasCertificates ? JSON.stringify(client.jwks, null, 2) : '',
    jwks_uri: client.jwksUri ?? '',
    certificates: hasCertificates ? pemOf(client.jwks) : '',
    certificate_name: client.tlsClientAuth?.name ?? 'tls_client_auth_san_dns',
    certificate_value: client.tlsClientAuth?.value ?? '',
    require_pushed_authorization_requests: client.requirePushedAuthorizationRequests,
    dpop_bound_access_tokens: client.dpopBoundAccessTokens,
    tls_client_certificate_bound_access_tokens: client.tlsClientCertificateBoundAccessTokens,
    backchannel_logout_uri: client.backchannelLogoutUri ?? '',
    backchannel_logout_session_required: client.backchannelLogoutSessionRequired,
    id_token_signed_response_alg: client.idTokenSignedResponseAlg,
  }
}

/** @throws Problem 400 `validation_failed` */
export function newClientOf(form: Form, kind: ApplicationKind): NewClient {
  return readInput(newClient, {
    application_kind: kind,
    ...organizationSent(form.get('organization')),
    ...settingsOf(typedClient(form), kind, SETTINGS_OF_KIND[kind].grant_types),
  })
}

/** @throws Problem 400 `validation_failed` */
export function clientChangesOf(form: Form, client: ShownClient): ClientChanges {
  const settings = settingsOf(typedClient(form), applicationKindOf(client), client.grantTypes)
  return readInput(clientChanges, settings)
}

/** What the page of this kind does not ask for stays as it is. */
function settingsOf(values: ClientValues, kind: ApplicationKind, grantTypes: readonly string[]) {
  return {
    client_name: values.client_name,
    resource_scopes: scopesOf(values.scope),
    dpop_bound_access_tokens: values.dpop_bound_access_tokens,
    tls_client_certificate_bound_access_tokens: values.tls_client_certificate_bound_access_tokens,
    ...(comesBack(kind) && {
      redirect_uris: linesOf(values.redirect_uris),
      post_logout_redirect_uris: linesOf(values.post_logout_redirect_uris),
      require_pushed_authorization_requests: values.require_pushed_authorization_requests,
    }),
    ...(isConfidential(kind) && {
      introspect: values.introspect,
      grant_types: [
        ...grantTypes.filter(type => type !== TOKEN_EXCHANGE),
        ...(values.token_exchange ? [TOKEN_EXCHANGE] : []),
      ],
      ...proofOf(values),
    }),
    ...(hearsOfLogout(kind) && {
      backchannel_logout_uri: textOrNull(values.backchannel_logout_uri),
      backchannel_logout_session_required: values.backchannel_logout_session_required,
    }),
    ...(kind !== 'service' &&
      values.id_token_signed_response_alg !== '' && {
        id_token_signed_response_alg: values.id_token_signed_response_alg,
      }),
  }
}

/** The keys and certificates belong to the choice that was made: with another one they are gone. */
function proofOf(values: ClientValues) {
  const { token_endpoint_auth_method: method, certificate_name, certificate_value, certificates } = values
  if (method === '') return {}
  const signs = method === 'private_key_jwt'
  const hasCertificates = method === 'self_signed_tls_client_auth'
  const jwks = signs ? values.jwks : hasCertificates ? certificates : ''
  const isNamed = method === 'tls_client_auth'
  return {
    token_endpoint_auth_method: method,
    token_endpoint_auth_signing_alg: signs ? textOrNull(values.token_endpoint_auth_signing_alg) : null,
    jwks: jwks === '' ? null : signs ? keysTyped(jwks) : (keySetOf(jwks) ?? jwks),
    jwks_uri: signs || hasCertificates ? textOrNull(values.jwks_uri) : null,
    ...Object.fromEntries(
      CERTIFICATE_NAMES.map(name => [
        name,
        isNamed && name === certificate_name ? textOrNull(certificate_value) : null,
      ]),
    ),
  }
}

const textOrNull = (text: string) => (text === '' ? null : text)

/** What is no JSON stays the text it is, and the schema refuses it. */
function keysTyped(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof Problem) return text
    throw error
  }
}

/** What the page shows when it was refused. @throws what is not about fields */
export function clientErrorsOf(error: unknown, values: ClientValues): FormErrors {
  return formErrorsOf(aboutProof(error, values), {
    fields: {
      resource_scopes: 'scope',
      ...Object.fromEntries(CERTIFICATE_NAMES.map(name => [name, 'certificate_value'])),
    },
    items: {
      redirect_uris: linesOf(values.redirect_uris),
      post_logout_redirect_uris: linesOf(values.post_logout_redirect_uris),
      introspect: values.introspect,
    },
  })
}

const NO_KEYS = 'Give its public keys, or their address.'
const NO_CERTIFICATES = 'Give its certificates, or their address.'
const NO_NAME = 'Give what stands in its certificate.'

/** The JSON of the keys is one field: what is wrong in it says where. The certificates are in it, and are another field. */
function aboutProof(error: unknown, values: ClientValues): unknown {
  if (!(error instanceof Problem) || !error.errors) return error
  const { jwks, token_endpoint_auth_method: method } = values
  const hasCertificates = method === 'self_signed_tls_client_auth'
  return validationFailed(
    error.errors.map(({ path, message }) => {
      if (path === 'token_endpoint_auth_method' && method === 'tls_client_auth')
        return { path: 'certificate_value', message: NO_NAME }
      if (hasCertificates && /^jwks\b(?!_)/.test(path)) return aboutCertificates(path, message, values)
      if (path === 'jwks')
        return { path, message: jwks === '' ? NO_KEYS : 'must be a JWK Set in JSON: { "keys": [ … ] }' }
      const place = /^jwks\.(.+)$/.exec(path)?.[1]
      return place === undefined ? { path, message } : { path: 'jwks', message: `“${place}” ${message}.` }
    }),
  )
}

function aboutCertificates(path: string, message: string, { certificates }: ClientValues): FieldError {
  if (certificates === '') return { path: 'certificates', message: NO_CERTIFICATES }
  const index = /^jwks\.keys\[(\d+)\]/.exec(path)?.[1]
  return {
    path: 'certificates',
    message:
      index === undefined
        ? 'must be certificates in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----'
        : `Certificate ${Number(index) + 1}: its key ${message}.`,
  }
}
