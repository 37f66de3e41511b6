/** The shape of the declarative file: keys, types, and what can be said about one value alone. The rest: file-rules.ts. */
import { z } from 'zod'
import {
  emailMistake,
  nameMistake,
  normalizeEmail,
  normalizeName,
  normalizeUsername,
  usernameMistake,
} from '../accounts/account-fields.ts'
import { MIN_CLIENT_SECRET_LENGTH } from '../clients/client-secret.ts'
import { parseDuration } from '../config.ts'
import { resourceIdentifierMistake, scopeNameMistake } from '../resources/scope.ts'
import { passwordHashMistake } from '../sign-in/password.ts'

const LATER = 'in this version'

/** Text that a rule of a room has something to say about. */
const textThat = (mistakeOf: (text: string) => string | undefined) =>
  z.string().superRefine((value, ctx) => {
    const message = mistakeOf(value)
    if (message !== undefined) ctx.addIssue({ code: 'custom', message })
  })

const matching = (pattern: RegExp, message: string) =>
  textThat(text => (pattern.test(text) ? undefined : message))

/** Rooms speak to whoever fills in a form; here the path begins the sentence. */
const continued = (sentence: string | undefined) => sentence && `is not acceptable: ${sentence}`

/** What people see on pages. */
const shownText = textThat(text =>
  nameMistake(normalizeName(text)) === undefined
    ? undefined
    : 'must be 1 to 200 characters that can be printed',
).transform(normalizeName)

const name = (what: string) =>
  matching(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/,
    `must be ${what}: 1 to 64 letters, digits, dots, dashes, underscores or colons, beginning with a letter or digit`,
  )

const webUrl = textThat(text => {
  const url = URL.parse(text)
  return /^https?:\/\/[!-~]+$/.test(text) && url && url.username === '' && text.length <= 2000
    ? undefined
    : 'must be an https or http URL'
})

const email = textThat(text => continued(emailMistake(normalizeEmail(text)))).transform(normalizeEmail)

const MAX_ACCESS_TOKEN_LIFETIME = 30 * 86_400
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

const signingAlg = z
  .literal('ES256', { error: `must be ES256: no other algorithm is supported ${LATER}` })
  .default('ES256')

const organization = z.strictObject({
  id: name('an id'),
  name: shownText,
  /** Left out: who is a member stays as it is. */
  members: z
    .array(z.strictObject({ account: z.string(), role: z.enum(['owner', 'developer', 'viewer']) }))
    .optional(),
})

const resource = z.strictObject({
  identifier: textThat(resourceIdentifierMistake),
  name: shownText,
  organization: z.string().optional(),
  token_format: z.enum(['jwt', 'opaque']).default('jwt'),
  token_signing_alg: signingAlg,
  /** Seconds. */
  access_token_lifetime: lifetime.default(900),
  env: z.enum(['live', 'test']).optional(),
  scopes: z
    .record(
      textThat(scopeNameMistake),
      z.strictObject({ description: shownText, restricted: z.boolean().default(false) }),
    )
    .default({}),
})

/** Scope names by resource identifier. */
const resourceScopes = z.record(z.string(), z.array(z.string())).default({})

const role = z.strictObject({ name: name('a name'), scopes: resourceScopes })

/** A key left out leaves an existing account as it is: people change these themselves. */
const account = z.strictObject({
  username: textThat(text => continued(usernameMistake(normalizeUsername(text)))).transform(
    normalizeUsername,
  ),
  email: email.optional(),
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

export const GRANT_TYPES = ['authorization_code', 'refresh_token', 'client_credentials'] as const
export const AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const

const supported = <const T extends readonly string[]>(values: T) =>
  z.enum(values, {
    error: ({ input }) =>
      typeof input === 'string' && input !== ''
        ? `must be one of ${values.join(', ')}: ${LATER} no other is supported`
        : undefined,
  })

const client = z.strictObject({
  /** RFC 6749, A.1 has spaces too; nobody wants them. */
  client_id: matching(/^[!-~]{1,255}$/, 'must be 1 to 255 visible ASCII characters'),
  client_name: shownText.optional(),
  client_secret: matching(
    new RegExp(`^[ -~]{${MIN_CLIENT_SECRET_LENGTH},512}$`),
    `must be ${MIN_CLIENT_SECRET_LENGTH} to 512 ASCII characters`,
  ).optional(),
  organization: z.string().optional(),
  application_type: z.enum(['web', 'native']).default('web'),
  redirect_uris: z.array(z.string()).default([]),
  post_logout_redirect_uris: z.array(z.string()).default([]),
  grant_types: z.array(supported(GRANT_TYPES)).default(['authorization_code']),
  token_endpoint_auth_method: supported(AUTH_METHODS).default('client_secret_basic'),
  resource_scopes: resourceScopes,
  default_scope: z.string().optional(),
  require_pkce: z.boolean().default(true),
  require_consent: z.boolean().default(true),
  id_token_signed_response_alg: signingAlg,
  introspect: z.array(z.string()).default([]),
  client_uri: webUrl.optional(),
  logo_uri: webUrl.optional(),
  policy_uri: webUrl.optional(),
  tos_uri: webUrl.optional(),
  contacts: z.array(email).optional(),
})

export const fileSchema = z.strictObject({
  organizations: z.array(organization).default([]),
  resources: z.array(resource).default([]),
  roles: z.array(role).default([]),
  accounts: z.array(account).default([]),
  clients: z.array(client).default([]),
  initial_access_tokens: z
    .array(z.unknown())
    .max(0, `must be empty: dynamic registration is not supported ${LATER}`)
    .default([]),
})

/** Every key there is, for suggestions. */
export const KNOWN_KEYS: readonly string[] = [fileSchema, organization, resource, role, account, client]
  .flatMap(schema => Object.keys(schema.shape))
  .concat('description', 'restricted', 'role')

/** The file, its defaults filled in. */
export type DeclarativeFile = z.output<typeof fileSchema>
export type FileAccount = DeclarativeFile['accounts'][number]
export type FileClient = DeclarativeFile['clients'][number]
export type FileResource = DeclarativeFile['resources'][number]
