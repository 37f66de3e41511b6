/** The shape of the declarative file: keys, types, and what can be said about one value alone. The rest: file-rules.ts. */
import { z } from 'zod'
import { nameMistake, normalizeName, normalizeUsername, usernameMistake } from '../accounts/account-fields.ts'
import { continued, emailText, shortName, shownText } from '../accounts/shown-text.ts'
import { clientKeys, protocolKeys, shownMetadata, signingAlg } from '../clients/client-schema.ts'
import { MIN_CLIENT_SECRET_LENGTH } from '../clients/client-secret.ts'
import { MIN_INITIAL_ACCESS_TOKEN_LENGTH } from '../clients/initial-access-token.ts'
import { matching, textThat } from '../http/text-schema.ts'
import { timeIn } from '../http/time-schema.ts'
import { layerKeys } from '../resources/resource-layers.ts'
import { MAX_ACCESS_TOKEN_LIFETIME, resourceKeys } from '../resources/resource-schema.ts'
import { USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'
import { parseDuration } from '../setting-parsers.ts'
import { passwordHashMistake } from '../sign-in/password.ts'

const lifetime = z.string().transform((text, ctx) => {
  try {
    const seconds = parseDuration(text)
    if (seconds > 0 && seconds <= MAX_ACCESS_TOKEN_LIFETIME) return seconds
    ctx.addIssue({ code: 'custom', message: 'must be from 1s to 30d' })
  } catch (error) {
    ctx.addIssue({ code: 'custom', message: (error as Error).message })
  }
  return z.NEVER
})

const organization = z.strictObject({
  id: shortName('an id'),
  name: shownText,
  /** Left out: who is a member stays as it is. */
  members: z
    .array(z.strictObject({ account: z.string(), role: z.enum(['owner', 'developer', 'viewer']) }))
    .optional(),
})

const resource = z.strictObject({
  identifier: resourceKeys.identifier,
  name: resourceKeys.name,
  organization: z.string().optional(),
  token_format: resourceKeys.token_format.optional(),
  token_signing_alg: signingAlg.default(USUAL_SIGNING_ALG),
  /** Seconds. */
  access_token_lifetime: lifetime.default(900),
  env: z.enum(['live', 'test']).optional(),
  layers: layerKeys.layers.default([]),
  allowed_addresses: layerKeys.allowed_addresses.optional(),
  scopes: resourceKeys.scopes.default({}),
})

/** Scope names by resource identifier. */
const resourceScopes = z.record(z.string(), z.array(z.string())).default({})

const role = z.strictObject({ name: shortName('a name'), scopes: resourceScopes })

/** A key left out leaves an existing account as it is: people change these themselves. */
const account = z.strictObject({
  username: textThat(text => continued(usernameMistake(normalizeUsername(text)))).transform(
    normalizeUsername,
  ),
  email: emailText.optional(),
  email_verified: z.boolean().optional(),
  name: textThat(text => continued(nameMistake(normalizeName(text))))
    .transform(normalizeName)
    .optional(),
  password: z.string().optional(),
  password_hash: textThat(passwordHashMistake).optional(),
  reset_password: z.boolean().default(false),
  roles: z.array(z.string()).optional(),
  admin: z.boolean().optional(),
})

const client = z.strictObject({
  /** RFC 6749, A.1 has spaces too; nobody wants them. */
  client_id: matching(/^[!-~]{1,255}$/, 'must be 1 to 255 visible ASCII characters'),
  client_name: clientKeys.client_name.optional(),
  client_secret: matching(
    new RegExp(`^[ -~]{${MIN_CLIENT_SECRET_LENGTH},512}$`),
    `must be ${MIN_CLIENT_SECRET_LENGTH} to 512 ASCII characters`,
  ).optional(),
  organization: z.string().optional(),
  application_type: clientKeys.application_type.default('web'),
  redirect_uris: clientKeys.redirect_uris.default([]),
  post_logout_redirect_uris: clientKeys.post_logout_redirect_uris.default([]),
  grant_types: clientKeys.grant_types.default(['authorization_code']),
  token_endpoint_auth_method: clientKeys.token_endpoint_auth_method.default('client_secret_basic'),
  resource_scopes: clientKeys.resource_scopes.default({}),
  default_scope: clientKeys.default_scope.optional(),
  require_pkce: clientKeys.require_pkce.default(true),
  require_consent: clientKeys.require_consent.default(true),
  id_token_signed_response_alg: signingAlg.default(USUAL_SIGNING_ALG),
  introspect: clientKeys.introspect.default([]),
  ...z.strictObject(protocolKeys).partial().shape,
  ...z.strictObject(shownMetadata).partial().shape,
})

const initialAccessToken = z.strictObject({
  name: shortName('a name'),
  /** RFC 6750, section 2.1, as it can be sent. */
  token: matching(
    new RegExp(`^[A-Za-z0-9._~+/-]{${MIN_INITIAL_ACCESS_TOKEN_LENGTH},512}=*$`),
    `must be ${MIN_INITIAL_ACCESS_TOKEN_LENGTH} to 512 letters, digits or any of ._~+/-`,
  ),
  /** One that has passed ends the token. */
  expires_at: timeIn.optional(),
  resource_scopes: resourceScopes,
})

export const fileSchema = z.strictObject({
  organizations: z.array(organization).default([]),
  resources: z.array(resource).default([]),
  roles: z.array(role).default([]),
  accounts: z.array(account).default([]),
  clients: z.array(client).default([]),
  initial_access_tokens: z.array(initialAccessToken).default([]),
})

/** Every key there is, for suggestions. */
export const KNOWN_KEYS: readonly string[] = [
  fileSchema,
  organization,
  resource,
  role,
  account,
  client,
  initialAccessToken,
]
  .flatMap(schema => Object.keys(schema.shape))
  .concat('description', 'restricted', 'self_registered', 'role')

/** The file, its defaults filled in. */
export type DeclarativeFile = z.output<typeof fileSchema>
export type FileAccount = DeclarativeFile['accounts'][number]
export type FileClient = DeclarativeFile['clients'][number]
export type FileInitialAccessToken = DeclarativeFile['initial_access_tokens'][number]
export type FileResource = DeclarativeFile['resources'][number]
