// Two organizations with all roles, an administrator, and clients that may use the JSON API.
import { type Caller, clientToken, sessionOf } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { ORDERS, PASSWORD, STOCK } from '../support/orders.ts'

export const THEIRS = 'https://theirs.example.com'

const person = (username: string, more: object = {}) => ({
  username,
  name: `${username[0]?.toUpperCase()}${username.slice(1)}`,
  email: `${username}@example.com`,
  password: PASSWORD,
  ...more,
})

const file = {
  organizations: [
    {
      id: 'acme',
      name: 'Acme',
      members: [
        { account: 'ada', role: 'owner' },
        { account: 'dev', role: 'developer' },
        { account: 'vic', role: 'viewer' },
      ],
    },
    { id: 'other', name: 'Other', members: [{ account: 'mallory', role: 'owner' }] },
  ],
  accounts: [
    person('ada'),
    person('dev'),
    person('vic'),
    person('mallory'),
    person('solo'),
    person('root', { admin: true }),
  ],
  resources: [
    {
      identifier: ORDERS,
      name: 'Orders API',
      organization: 'acme',
      scopes: {
        'read:orders': { description: 'See your orders' },
        'write:orders': { description: 'Create and change your orders' },
      },
    },
    {
      identifier: STOCK,
      name: 'Stock API',
      organization: 'acme',
      env: 'test',
      scopes: { 'read:stock': { description: 'See what is in stock' } },
    },
    {
      identifier: THEIRS,
      name: 'Their API',
      organization: 'other',
      scopes: { 'read:theirs': { description: 'See what is theirs' } },
    },
  ],
}

export const OWN_SCOPES = [
  'tokens:read',
  'tokens:write',
  'clients:read',
  'clients:write',
  'resources:read',
  'resources:write',
  'keys:read',
  'keys:write',
  'organizations:read',
  'organizations:write',
  'usage:read',
  'secrets:read',
  'signing-keys:read',
  'signing-keys:write',
]

/** A client of Acme's own that acts for itself. */
export const ci = {
  client_id: 'ci',
  client_secret: 'ci-secret-for-tests-only-0123456789abcdef',
  grant_types: ['client_credentials'],
}

/** Acts for people. */
export const cli = {
  client_id: 'cli',
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1:8090/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
  require_consent: false,
}

/** Belongs to the other organization. */
export const theirs = {
  client_id: 'theirs',
  client_secret: 'theirs-secret-for-tests-only-0123456789ab',
  grant_types: ['client_credentials'],
}

export interface World {
  readonly app: TestApp
  /** The identifier of the JSON API as a resource. */
  readonly own: string
  readonly ada: Caller
  readonly dev: Caller
  readonly vic: Caller
  readonly mallory: Caller
  readonly solo: Caller
  readonly root: Caller
  /** The client `ci`, with all scopes. */
  readonly ci: Caller
}

export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const app = await startApp(env, file)
  const own = `${app.issuer}/v1`
  const ceiling = { [own]: OWN_SCOPES, [ORDERS]: ['read:orders', 'write:orders'] }
  await app.apply({
    clients: [
      { ...ci, organization: 'acme', resource_scopes: ceiling },
      { ...cli, organization: 'acme', resource_scopes: { [own]: OWN_SCOPES } },
      { ...theirs, organization: 'other', resource_scopes: { [own]: ['clients:read'] } },
    ],
  })
  return {
    app,
    own,
    ada: await sessionOf(app, 'ada'),
    dev: await sessionOf(app, 'dev'),
    vic: await sessionOf(app, 'vic'),
    mallory: await sessionOf(app, 'mallory'),
    solo: await sessionOf(app, 'solo'),
    root: await sessionOf(app, 'root'),
    ci: await clientToken(app, ci),
  }
}

/** What a Problem says to a program. */
export function refusal(answer: { status: number; json(): Record<string, unknown> }) {
  const { code, errors } = answer.json()
  return { status: answer.status, code, ...(errors !== undefined && { paths: pathsOf(errors) }) }
}

const pathsOf = (errors: unknown) => (errors as { path: string }[]).map(({ path }) => path)
