/**
 * What a client says of itself when it registers (RFC 7591, section 2; OpenID Connect Registration, section 2), checked,
 * and what it is told about its registration. Metadata that nobody here knows is passed over, as the RFC asks; what
 * would promise a protection that there is not, is refused. null counts as left out.
 */
import { z } from 'zod'
import type { Client } from '../clients/client.ts'
import { clientMistakes } from '../clients/client-rules.ts'
import {
  clientKeys,
  DEVICE_CODE,
  protocolKeys,
  shownMetadata,
  TOKEN_EXCHANGE,
} from '../clients/client-schema.ts'
import { type ClientWords, describeClient } from '../clients/describe-client.ts'
import type { DescribedClient } from '../clients/upsert-client.ts'
import { fieldErrorsOf, wording } from '../http/field-errors.ts'
import { type FieldError, Problem } from '../http/problem.ts'
import { textThat } from '../http/text-schema.ts'
import type { Item } from '../http/unknown-value.ts'
import { OPENID_SCOPES } from './access.ts'

/** What the one who registers may have, whatever is asked for. */
export interface Allowance {
  /** Resource → scopes: of the initial access token. */
  readonly ceiling: ReadonlyMap<string, ReadonlySet<string>>
  /** Registered without an initial access token: nobody here has any idea who this is. */
  readonly open: boolean
  /** Names of scopes that are open to every client which registered itself. */
  readonly openScopes: ReadonlySet<string>
}

const httpsUrl = textThat(text => {
  const url = URL.parse(text)
  return /^https:\/\/[!-~]+$/.test(text) &&
    url &&
    url.username === '' &&
    url.hash === '' &&
    text.length <= 2000
    ? undefined
    : 'must be an https URL'
})

/** As `clientKeys` with the defaults of the RFC; `scope` is not checked for what it may hold: the rest is left out. */
const metadataSchema = z.object({
  client_name: clientKeys.client_name.optional(),
  application_type: clientKeys.application_type.default('web'),
  redirect_uris: clientKeys.redirect_uris.max(100).default([]),
  post_logout_redirect_uris: clientKeys.post_logout_redirect_uris.max(100).default([]),
  grant_types: clientKeys.grant_types.min(1).default(['authorization_code']),
  response_types: z.array(z.literal('code')).max(1).optional(),
  token_endpoint_auth_method: clientKeys.token_endpoint_auth_method.default('client_secret_basic'),
  id_token_signed_response_alg: clientKeys.id_token_signed_response_alg.default('ES256'),
  subject_type: z.literal('public').optional(),
  scope: textThat(text =>
    /^[!#-[\]-~]+(?: [!#-[\]-~]+)*$/.test(text) || text === ''
      ? undefined
      : 'must be scopes with one space between',
  ).optional(),
  ...z.object(shownMetadata).partial().shape,
  ...z.object(protocolKeys).partial().shape,
  client_uri: httpsUrl.optional(),
  logo_uri: httpsUrl.optional(),
  policy_uri: httpsUrl.optional(),
  tos_uri: httpsUrl.optional(),
  jwks_uri: httpsUrl.optional(),
  backchannel_logout_uri: httpsUrl.optional(),
})

/** Left out in silence, the client would believe that it has them. */
const NOT_OFFERED: readonly string[] = [
  'require_signed_request_object',
  'request_object_signing_alg',
  'request_object_encryption_alg',
  'userinfo_signed_response_alg',
  'userinfo_encrypted_response_alg',
  'id_token_encrypted_response_alg',
  'introspection_signed_response_alg',
  'introspection_encrypted_response_alg',
  'authorization_signed_response_alg',
  'authorization_encrypted_response_alg',
]

/**
 * The client that asks for a registration.
 * @throws Problem 400 `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591, section 3.2.2) with every mistake
 */
export function readMetadata(sent: Item, clientId: string, allowance: Allowance): DescribedClient {
  const item = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null))
  const parsed = metadataSchema.safeParse(item, { error: wording })
  const rules = { ...item, require_pkce: undefined, default_scope: undefined, resource_scopes: undefined }
  const mistakes = [
    ...(parsed.error ? fieldErrorsOf(parsed.error, () => 'is not known') : []),
    ...clientMistakes(rules, [], OPENID_SCOPES),
    ...responseTypeMistakes(item),
    ...grantMistakes(parsed.data?.grant_types ?? [], allowance),
    ...wishMistakes(item),
  ]
  if (mistakes.length > 0 || !parsed.data) throw refusal(mistakes)
  const { scope, response_types: _, subject_type: __, ...words } = parsed.data
  const described: ClientWords = {
    ...words,
    client_id: clientId,
    default_scope: withinAllowance(scope, allowance),
    resource_scopes: Object.fromEntries(
      [...allowance.ceiling].map(([resource, scopes]) => [resource, [...scopes]]),
    ),
    require_pkce: true,
    require_consent: true,
    introspect: [],
  }
  return { ...describeClient(described), registration: 'dynamic' }
}

/** Where `response_types` is said, it says the same as `grant_types` (RFC 7591, section 2.1). */
function responseTypeMistakes({ grant_types: grants, response_types: responses }: Item): FieldError[] {
  if (!Array.isArray(responses)) return []
  const hasCode = !Array.isArray(grants) || grants.includes('authorization_code')
  if (hasCode === responses.includes('code')) return []
  const message = 'must be ["code"] with the grant type authorization_code, and empty without it'
  return [{ path: 'response_types', message }]
}

/** What needs no person, or is started where the person is not, is not for somebody whom nobody here knows. */
function grantMistakes(grants: readonly string[], { ceiling, open }: Allowance): FieldError[] {
  const found: FieldError[] = []
  const at = (grant: string) => `grant_types[${grants.indexOf(grant)}]`
  if (grants.includes('client_credentials') && ceiling.size === 0)
    found.push({
      path: at('client_credentials'),
      message: 'client_credentials needs an initial access token that names resources',
    })
  if (grants.includes(TOKEN_EXCHANGE))
    found.push({
      path: at(TOKEN_EXCHANGE),
      message: 'token exchange is for clients that somebody here has registered',
    })
  if (grants.includes(DEVICE_CODE) && open)
    found.push({ path: at(DEVICE_CODE), message: 'the device grant needs an initial access token' })
  return found
}

function wishMistakes(item: Item): FieldError[] {
  const asked = (key: string) => item[key] !== undefined && item[key] !== false && item[key] !== ''
  return [
    ...NOT_OFFERED.filter(asked).map(path => ({ path, message: 'is not offered here: leave it out' })),
    ...(item.require_pkce === undefined || item.require_pkce === true
      ? []
      : [{ path: 'require_pkce', message: 'cannot be switched off by the client' }]),
  ]
}

/** RFC 7591, section 3.2.1: the answer says what is left of it. */
function withinAllowance(scope: string | undefined, { ceiling, openScopes }: Allowance): string | undefined {
  const possible = new Set([
    ...OPENID_SCOPES,
    ...openScopes,
    ...[...ceiling.values()].flatMap(scopes => [...scopes]),
  ])
  const kept = new Set(scope?.split(' ').filter(name => possible.has(name)))
  return kept.size === 0 ? undefined : [...kept].join(' ')
}

/** Longer ones are cut: a caller chooses how many mistakes it makes. */
const LONGEST_DESCRIPTION = 1000

function refusal(mistakes: readonly FieldError[]): Problem {
  const inUri = mistakes.some(({ path }) => path.startsWith('redirect_uris'))
  const description = mistakes.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new Problem(
    400,
    inUri ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    description.slice(0, LONGEST_DESCRIPTION),
  )
}

/** What is registered (RFC 7591, section 3.2.1), never a secret. What was left out and has no effect is left out here. */
export function metadataOf(
  client: Omit<Client, 'secrets' | 'disabled' | 'disabledBy'>,
): Record<string, unknown> {
  const code = client.grantTypes.includes('authorization_code')
  const said = {
    client_id: client.clientId,
    client_name: client.clientName === client.clientId ? undefined : client.clientName,
    application_type: client.applicationType,
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris:
      client.postLogoutRedirectUris.length > 0 ? client.postLogoutRedirectUris : undefined,
    grant_types: client.grantTypes,
    response_types: code ? ['code'] : [],
    token_endpoint_auth_method: client.tokenEndpointAuthMethod,
    token_endpoint_auth_signing_alg: client.tokenEndpointAuthSigningAlg ?? undefined,
    jwks: client.jwks ?? undefined,
    jwks_uri: client.jwksUri ?? undefined,
    id_token_signed_response_alg: client.idTokenSignedResponseAlg,
    scope: client.defaultScope ?? undefined,
    require_pushed_authorization_requests: client.requirePushedAuthorizationRequests || undefined,
    dpop_bound_access_tokens: client.dpopBoundAccessTokens || undefined,
    ...(client.tlsClientAuth && { [client.tlsClientAuth.name]: client.tlsClientAuth.value }),
    tls_client_certificate_bound_access_tokens: client.tlsClientCertificateBoundAccessTokens || undefined,
    backchannel_logout_uri: client.backchannelLogoutUri ?? undefined,
    backchannel_logout_session_required: client.backchannelLogoutSessionRequired || undefined,
    ...client.metadata,
  }
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
}
