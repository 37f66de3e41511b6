import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DeclarativeFileError, parseDeclarativeFile } from '../../src/admin/declarative-file.ts'
import {
  EC,
  FINE,
  KEY_MISTAKES,
  keySet,
  SECRET_MISTAKES,
  SETTING_MISTAKES,
} from '../support/client-settings.ts'
import { DEVICE_GRANT } from '../support/devices.ts'

const EXAMPLE = readFileSync(new URL('../../examples/latchkey.yaml', import.meta.url), 'utf8')
const SECRET = 'a-long-secret-for-tests-only-0123456789'

function foundIn(text: string): readonly { path: string; message: string }[] {
  try {
    parseDeclarativeFile(text)
    return []
  } catch (error) {
    if (!(error instanceof DeclarativeFileError)) throw error
    return error.mistakes
  }
}

/** `path: message` of every mistake. */
const mistakesIn = (text: string) => foundIn(text).map(({ path, message }) => `${path}: ${message}`)

const mistakesOf = (file: unknown) => mistakesIn(JSON.stringify(file))
const client = (changes: object) => ({
  clients: [
    { client_id: 'web', client_secret: SECRET, redirect_uris: ['https://app.example.com/cb'], ...changes },
  ],
})
const keyed = (changes: object) =>
  client({ client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt', ...changes })
const account = (changes: object) => ({ accounts: [{ username: 'ada', ...changes }] })
const resource = (changes: object) => ({
  resources: [{ identifier: 'https://api.example.com', name: 'API', ...changes }],
})

describe('the declarative file', () => {
  it('takes the example, as YAML and as JSON', () => {
    const file = parseDeclarativeFile(EXAMPLE)
    expect(file.resources[0]).toMatchObject({ access_token_lifetime: 900, env: 'live', token_format: 'jwt' })
    expect(file.clients.map(({ client_id }) => client_id)).toEqual([
      'orders-web',
      'billing',
      'reports',
      'orders-tv',
    ])
    const { access_token_lifetime: _, ...api } = file.resources[0] ?? {}
    const json = JSON.stringify(
      { ...file, resources: [{ ...api, access_token_lifetime: '15m' }] },
      null,
      '\t',
    )
    expect(parseDeclarativeFile(json)).toEqual(file)
  })

  it('takes an empty file, and fills in the defaults', () => {
    expect(parseDeclarativeFile('')).toEqual({
      organizations: [],
      resources: [],
      roles: [],
      accounts: [],
      clients: [],
      initial_access_tokens: [],
    })
    expect(parseDeclarativeFile(JSON.stringify(client({}))).clients[0]).toMatchObject({
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_basic',
      application_type: 'web',
      require_pkce: true,
      require_consent: true,
      id_token_signed_response_alg: 'ES256',
    })
  })

  it('reports every mistake at once, each with its path', () => {
    expect(
      mistakesIn(`
organizations:
  - { id: acme, name: Acme, members: [{ account: nobody, role: boss }] }
  - { id: acme, name: "" }
resources:
  - identifier: /orders
    name: Orders
    organization: acmee
    token_format: saml
    token_signing_alg: HS256
    access_token_lifetime: soon
    env: staging
    scopes:
      openid: { description: Reserved }
      "bad scope": { description: Bad }
      read:orders: { descripton: See }
roles:
  - name: orders-admin
    scopes: { https://api.example.com: [x] }
accounts:
  - { username: ada, email: nope, password: short, password_hash: abc, roles: [none], admin: maybe }
  - { username: ADA }
clients:
  - client_id: web
    client_secret: too-short
    redirect_uris: [http://app.example.com/cb, https://app.example.com/#x]
    grant_types: [implicit, refresh_token]
    token_endpoint_auth_method: private_key_jwt
    resource_scopes: { https://api.example.com: [read] }
    default_scope: openid write:orders
    id_token_signed_response_alg: none
    introspect: [https://api.example.com]
    token_endpoint_auth_signing_alg: HS256
    jwks: { keys: [{ kty: oct, k: c2VjcmV0 }, { kid: 1 }], more: x }
    jwks_uri: https://app.example.com/jwks#keys
    backchannel_logout_uri: http://app.example.com/logout
    backchannel_logout_session_required: 1
    require_pushed_authorization_requests: sometimes
    dpop_bound_access_tokens: yes please
    tls_client_certificate_bound_access_tokens: true
  - client_id: web
    token_endpoint_auth_method: none
    require_pkce: false
    grant_types: [client_credentials]
initial_access_tokens: [{ name: x }]
surprise: 1
`).sort(),
    ).toMatchSnapshot()
  })

  it.each([
    ['a: [', /^line 1, column \d+: /],
    ['clients: []\nclients: []', /^clients: is there twice/],
    [
      'resources:\n  - { identifier: "https://a.example", name: A, scopes: { x: { description: a }, x: { description: b } } }',
      /^resources\[0\]\.scopes\.x: is there twice/,
    ],
    ['{"clients": [], "clients": []}', /^clients: is there twice/],
    ['a: 1\n---\nb: 2', /second document/],
    ['clients: !!js/function x', /tags/],
    ['clients: *nothing', /alias/],
    ['- 1', /^: must be a mapping/],
    ['just text', /^: must be a mapping/],
    ['? [a, b]\n: 1', /key that is not text/],
    ['__proto__: {}', /key that cannot be used/],
    ['accounts: [{ username: "a\\0b" }]', /^accounts\[0\]\.username: must not have U\+0000/],
    ['{"accounts":[{"username":"ada","name":"\\ud800"}]}', /^accounts\[0\]\.name: must not have/],
    ['clients:', /^clients: must be a list/],
    ['clients: [5]', /^clients\[0\]: must be a mapping/],
    ['clients: [{ client_id: 5 }]', /client_id: must be text: put it in quotes/],
    ['<<: {}', /<<.*is not a known key/],
  ])('refuses %j', (text, expected) => {
    expect(mistakesIn(text).join('\n')).toMatch(expected)
  })

  it('refuses bombs and deep nesting quickly', () => {
    const lol = Array.from(
      { length: 9 },
      (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(', ')}]`,
    )
    expect(mistakesIn(`a0: &a0 [x]\n${lol.join('\n')}`).join()).toMatch(/aliases/)
    expect(mistakesIn('['.repeat(100_000)).join()).toMatch(/nested too deeply/)
    expect(mistakesIn(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`).join()).toMatch(/nested too deeply/)
    for (const deep of ['- ', '? ', '? - '])
      expect(mistakesIn(deep.repeat(100_000)).join()).toMatch(/nested too deeply/)
    const indented = Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')
    expect(mistakesIn(indented).join()).toMatch(/nested too deeply/)
    expect(mistakesIn('clients: &a [*a]').length).toBeGreaterThan(0)
  })

  it.each([
    [client({ client_secret: undefined }), /clients\[0\]\.client_secret: is missing/],
    [client({ token_endpoint_auth_method: 'none' }), /clients\[0\]\.client_secret: cannot be used/],
    [
      client({ client_secret: undefined, token_endpoint_auth_method: 'none', require_pkce: false }),
      /require_pkce/,
    ],
    [
      client({
        client_secret: undefined,
        token_endpoint_auth_method: 'none',
        grant_types: ['client_credentials'],
      }),
      /grant_types\[0\]: is for clients that authenticate/,
    ],
    [client({ grant_types: ['refresh_token'] }), /grant_types\[0\]: needs authorization_code or urn:/],
    [client({ redirect_uris: [] }), /redirect_uris: needs at least one/],
    [
      client({ redirect_uris: ['https://a.example/', 'https://a.example/'] }),
      /redirect_uris\[1\]: is there twice/,
    ],
    [client({ post_logout_redirect_uris: ['javascript:alert(1)'] }), /post_logout_redirect_uris\[0\]/],
    [client({ redirect_uris: ['com.example.app:/cb'] }), /application_type native/],
    [client({ grant_types: ['password'] }), /no other is supported/],
    [client({ default_scope: 'openid  email' }), /one space/],
    [client({ client_uri: 'javascript:alert(1)' }), /client_uri: must be an https or http URL/],
    [client({ contacts: ['nobody'] }), /contacts\[0\]/],
    [client({ client_name: 'a\u202eb' }), /client_name/],
    [client({ client_id: 'with space' }), /client_id/],
    [client({ response_types: ['code'] }), /response_types: is not needed/],
    [client({ redirect_uri: [] }), /redirect_uri: is not a known key: did you mean redirect_uris/],
    [client({ toString: 1 }), /toString: is not a known key/],
    [
      keyed({ client_secret: SECRET, jwks: keySet(EC) }),
      /client_secret: cannot be used with .* private_key_jwt/,
    ],
    [keyed({}), /clients\[0\]\.jwks: is missing/],
    [
      keyed({ jwks: keySet(EC), token_endpoint_auth_signing_alg: 'HS256' }),
      /token_endpoint_auth_signing_alg: must be one of ES256/,
    ],
    [account({ password: 'password1' }), /password: is not acceptable/],
    [account({ password: 'short' }), /password: is not acceptable/],
    [account({ reset_password: true }), /reset_password: needs/],
    [account({ password_hash: '$2b$10$x' }), /password_hash: must be an argon2id/],
    [account({ email_verified: true }), /email_verified: needs an email/],
    [account({ username: 'a@b' }), /username: is not acceptable/],
    [resource({ identifier: 'https://a.example/#x' }), /identifier: must not have a fragment/],
    [resource({ identifier: 'api' }), /identifier: must be an absolute URI/],
    [resource({ access_token_lifetime: '999999d' }), /from 1s to 30d/],
    [resource({ access_token_lifetime: '0s' }), /from 1s to 30d/],
    [resource({ access_token_lifetime: 900 }), /access_token_lifetime: must be text/],
    [
      resource({ scopes: { offline_access: { description: 'x' } } }),
      /scopes\.offline_access: is a scope of OpenID/,
    ],
    [resource({ scopes: { 'a"b': { description: 'x' } } }), /is not a scope/],
    [resource({ scopes: { a: {} } }), /scopes\.a\.description: is missing/],
    [
      resource({ layers: ['api-key'] }),
      /resources\[0\]\.layers: must have client-certificate and at least one/,
    ],
    [
      resource({ layers: ['client-certificate'] }),
      /resources\[0\]\.layers: must have client-certificate and/,
    ],
    [resource({ layers: ['client-certificate', 'session'] }), /resources\[0\]\.layers\[1\]/],
    [resource({ layers: ['client-certificate', 'api-key', 'api-key'] }), /layers\[2\]/],
    [
      resource({ layers: ['client-certificate', 'api-key'], token_format: 'jwt' }),
      /resources\[0\]\.token_format: must be opaque with layers/,
    ],
    [resource({ allowed_addresses: ['10.0.0.1/8'] }), /allowed_addresses\[0\]: must be an address or a CIDR/],
    [resource({ allowed_addresses: [] }), /allowed_addresses/],
    [resource({ allowed_addresses: ['::1'], token_format: 'jwt' }), /token_format: must be opaque/],
  ])('says what is wrong with %j', (file, expected) => {
    const found = mistakesOf(file)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(expected)
  })

  it.each([
    ...KEY_MISTAKES.map(([what, settings, path, message]) => [what, keyed(settings), path, message] as const),
    ...[...SECRET_MISTAKES, ...SETTING_MISTAKES].map(
      ([what, settings, path, message]) => [what, client(settings), path, message] as const,
    ),
  ])('refuses a client with %s', (_what, file, path, message) => {
    expect(foundIn(JSON.stringify(file))).toEqual([
      { path: `clients[0].${path}`, message: expect.stringMatching(message) },
    ])
  })

  it.each(FINE)('takes a client without a secret that has %s', (_what, settings) => {
    expect(mistakesOf(keyed(settings))).toEqual([])
  })

  it('takes a client for devices, public or with a key', () => {
    const device = { grant_types: [DEVICE_GRANT, 'refresh_token'], redirect_uris: [] }
    expect(mistakesOf(keyed({ ...device, jwks: keySet(EC) }))).toEqual([])
    const isPublic = { client_secret: undefined, token_endpoint_auth_method: 'none' }
    expect(mistakesOf(client({ ...device, ...isPublic, dpop_bound_access_tokens: true }))).toEqual([])
  })

  it('knows what the database has', () => {
    const text = 'organizations: [{ id: acme, name: Acme, members: [{ account: Ada, role: owner }] }]'
    expect(mistakesIn(text)).toEqual([
      expect.stringMatching(/members\[0\]\.account: names the account "Ada"/),
    ])
    const known = {
      organizations: new Set(''),
      resources: new Map(),
      roles: new Set(''),
      accounts: new Set(['ada']),
      builtIn: new Set<string>(),
    }
    expect(parseDeclarativeFile(text, known).organizations).toHaveLength(1)
  })

  it('a built-in resource may be named, not described', () => {
    const own = 'https://id.example.com/v1'
    const known = {
      organizations: new Set<string>(),
      resources: new Map([[own, new Set(['clients:read'])]]),
      roles: new Set<string>(),
      accounts: new Set<string>(),
      builtIn: new Set([own]),
    }
    const naming = `roles: [{ name: support, scopes: { "${own}": ["clients:read"] } }]`
    expect(parseDeclarativeFile(naming, known).roles).toHaveLength(1)
    const describing = `resources: [{ identifier: "${own}", name: Mine }]`
    expect(() => parseDeclarativeFile(describing, known)).toThrow('resources[0].identifier: is built in')
  })

  it('quotes no secret in a mistake', () => {
    const canary = 'canary-secret'
    const files = [
      `clients: [{ client_id: a, client_secret: ${canary} }]`,
      `accounts: [{ username: a, password: ${canary}, password_hash: ${canary}-hash }]`,
      `clients:\n  - client_secret: "${canary}\n`,
      `clients:\n  - client_secret: &${canary} x\n    client_id: *${canary}x`,
      `clients:\n  - client_secret: !${canary} x`,
    ]
    for (const text of files) {
      expect(mistakesIn(text).length).toBeGreaterThan(0)
      expect(mistakesIn(text).join('\n')).not.toContain(canary)
    }
  })

  it('never throws anything but its own error', () => {
    const keys = fc.constantFrom(
      'organizations',
      'resources',
      'clients',
      'accounts',
      'roles',
      'scopes',
      'members',
      'client_id',
      'redirect_uris',
      'jwks',
      'keys',
      'kty',
      'resource_scopes',
      'password',
      'username',
    )
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null)),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(keys, fc.string()), tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(fc.oneof(fc.dictionary(keys, tree), tree), value => {
        expect(Array.isArray(mistakesOf(value))).toBe(true)
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), text => {
        expect(Array.isArray(mistakesIn(text))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
