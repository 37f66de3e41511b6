// RFC 7591, section 3.2.2: what a client cannot be registered with, and what it is told.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { ordersFile } from '../support/orders.ts'
import {
  BARE_TOKEN,
  INITIAL_ACCESS_TOKENS,
  INITIAL_TOKEN,
  REDIRECT_URI,
  register,
  send,
} from '../support/registration.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS })
})
afterAll(() => app.close())

const clientCount = async () =>
  (await app.db.selectFrom('client').select('client_id').where('registration', '=', 'dynamic').execute())
    .length

describe('what is refused', () => {
  const bad = (fields: object) => ({ redirect_uris: [REDIRECT_URI], ...fields })
  const uris = (...redirect_uris: unknown[]) => ({ redirect_uris })
  const key = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }

  test.each<[string, string, unknown]>([
    ['no redirect URI', 'invalid_redirect_uri', {}],
    ['an empty list of them', 'invalid_redirect_uri', uris()],
    ['one that is no text', 'invalid_redirect_uri', uris(1)],
    ['one that is no list', 'invalid_redirect_uri', { redirect_uris: REDIRECT_URI }],
    ['plain http', 'invalid_redirect_uri', uris('http://app.example.com/callback')],
    ['a fragment', 'invalid_redirect_uri', uris(`${REDIRECT_URI}#x`)],
    ['a wildcard', 'invalid_redirect_uri', uris('https://*.example.com/callback')],
    ['userinfo', 'invalid_redirect_uri', uris('https://user@app.example.com/callback')],
    ['javascript:', 'invalid_redirect_uri', uris('javascript:alert(1)')],
    ['data:', 'invalid_redirect_uri', uris('data:text/html,x')],
    ['a relative one', 'invalid_redirect_uri', uris('/callback')],
    ['a scheme of its own for a web application', 'invalid_redirect_uri', uris('com.example.app:/cb')],
    ['a scheme without a dot', 'invalid_redirect_uri', { application_type: 'native', ...uris('myapp:/cb') }],
    ['one twice', 'invalid_redirect_uri', uris(REDIRECT_URI, REDIRECT_URI)],
    [
      'too many',
      'invalid_redirect_uri',
      uris(...Array.from({ length: 101 }, (_, at) => `${REDIRECT_URI}/${at}`)),
    ],
    [
      'the implicit grant',
      'invalid_client_metadata',
      bad({ grant_types: ['authorization_code', 'implicit'] }),
    ],
    ['the password grant', 'invalid_client_metadata', bad({ grant_types: ['password'] })],
    ['no grant', 'invalid_client_metadata', bad({ grant_types: [] })],
    ['refresh alone', 'invalid_client_metadata', bad({ grant_types: ['refresh_token'], response_types: [] })],
    ['the response type token', 'invalid_client_metadata', bad({ response_types: ['token'] })],
    ['a hybrid response type', 'invalid_client_metadata', bad({ response_types: ['code id_token'] })],
    ['no response type beside the code grant', 'invalid_client_metadata', bad({ response_types: [] })],
    [
      'a code without the code grant',
      'invalid_client_metadata',
      { grant_types: ['client_credentials'], response_types: ['code'] },
    ],
    [
      'client credentials of a public client',
      'invalid_client_metadata',
      bad({
        grant_types: ['authorization_code', 'client_credentials'],
        token_endpoint_auth_method: 'none',
      }),
    ],
    [
      'token exchange',
      'invalid_client_metadata',
      bad({ grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:token-exchange'] }),
    ],
    [
      'client_secret_jwt',
      'invalid_client_metadata',
      bad({ token_endpoint_auth_method: 'client_secret_jwt' }),
    ],
    ['tls_client_auth', 'invalid_client_metadata', bad({ token_endpoint_auth_method: 'tls_client_auth' })],
    ['HS256 ID tokens', 'invalid_client_metadata', bad({ id_token_signed_response_alg: 'HS256' })],
    ['unsigned ID tokens', 'invalid_client_metadata', bad({ id_token_signed_response_alg: 'none' })],
    ['encrypted ID tokens', 'invalid_client_metadata', bad({ id_token_encrypted_response_alg: 'RSA-OAEP' })],
    ['signed userinfo', 'invalid_client_metadata', bad({ userinfo_signed_response_alg: 'RS256' })],
    ['signed requests', 'invalid_client_metadata', bad({ require_signed_request_object: true })],
    ['pairwise subjects', 'invalid_client_metadata', bad({ subject_type: 'pairwise' })],
    ['no PKCE', 'invalid_client_metadata', bad({ require_pkce: false })],
    [
      'private_key_jwt without a key',
      'invalid_client_metadata',
      bad({ token_endpoint_auth_method: 'private_key_jwt' }),
    ],
    ['jwks that are no key set', 'invalid_client_metadata', bad({ jwks: { keys: 'x' } })],
    [
      'a private key',
      'invalid_client_metadata',
      bad({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...key, d: 'd' }] } }),
    ],
    [
      'jwks_uri beside jwks',
      'invalid_client_metadata',
      bad({
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [key] },
        jwks_uri: 'https://partner.example/jwks',
      }),
    ],
    ['jwks_uri by http', 'invalid_client_metadata', bad({ jwks_uri: 'http://127.0.0.1/jwks' })],
    ['logo_uri by http', 'invalid_client_metadata', bad({ logo_uri: 'http://partner.example/logo.png' })],
    ['client_uri with script', 'invalid_client_metadata', bad({ client_uri: 'javascript:alert(1)' })],
    [
      'backchannel logout by http',
      'invalid_client_metadata',
      bad({ backchannel_logout_uri: 'http://127.0.0.1/x' }),
    ],
    ['contacts that are no address', 'invalid_client_metadata', bad({ contacts: ['nobody'] })],
    ['a name that cannot be printed', 'invalid_client_metadata', bad({ client_name: '\u202e' })],
    ['a name that nobody sees', 'invalid_client_metadata', bad({ client_name: '\u2800\u00a0\u2800' })],
    ['a name with more than one sees', 'invalid_client_metadata', bad({ client_name: 'Or\u200bders' })],
    ['a name without end', 'invalid_client_metadata', bad({ client_name: 'x'.repeat(201) })],
    ['a name that is no text', 'invalid_client_metadata', bad({ client_name: { a: 1 } })],
    ['a scope that is none', 'invalid_client_metadata', bad({ scope: 'openid\nprofile' })],
    ['a scope that is a list', 'invalid_client_metadata', bad({ scope: ['openid'] })],
    ['another type of application', 'invalid_client_metadata', bad({ application_type: 'spaceship' })],
    ['an array', 'invalid_request', []],
    ['a text', 'invalid_request', '"x"'],
    ['null', 'invalid_request', 'null'],
    ['nothing', 'invalid_request', ''],
    ['half of something', 'invalid_request', '{"redirect_uris": ['],
    ['a key twice', 'invalid_request', '{"scope":"a","scope":"b"}'],
    ['U+0000', 'invalid_request', bad({ client_name: 'a\0b' })],
    ['a lone surrogate', 'invalid_request', '{"client_name":"\\ud800"}'],
    ['__proto__', 'invalid_request', '{"__proto__":{"redirect_uris":[]}}'],
    ['too deep a nesting', 'invalid_request', `${'['.repeat(40)}${']'.repeat(40)}`],
  ])('%s', async (_name, error, metadata) => {
    const before = await clientCount()
    const { status, body } = await register(app, metadata)
    expect({ status, error: body.error, why: body.error_description }).toEqual({
      status: 400,
      error,
      why: expect.stringMatching(/^[ -!#-[\]-~]{10,1000}$/),
    })
    expect(await clientCount()).toBe(before)
  })

  test('every mistake is named', async () => {
    const { body } = await register(app, { redirect_uris: ['http://x.example/'], grant_types: ['implicit'] })
    expect(body.error_description).toMatch(/redirect_uris\[0\] must use https.*/)
    expect(body.error_description).toMatch(/grant_types\[0\] must be one of/)
  })

  test('another body than JSON, and one too large', async () => {
    const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, token: INITIAL_TOKEN }
    expect((await send(`${app.issuer}/register`, 'POST', { ...form, body: 'redirect_uris=x' })).status).toBe(
      415,
    )
    const large = bad({ client_name: 'x'.repeat(70_000) })
    expect((await register(app, large)).status).toBe(413)
  })

  test('another method', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const { status, headers } = await send(`${app.issuer}/register`, method, { token: INITIAL_TOKEN })
      expect([status, headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    }
    for (const path of ['/register/', '/REGISTER', '/register/a/b', `/register/${'a'.repeat(65)}`])
      expect((await send(`${app.issuer}${path}`, 'POST', { token: INITIAL_TOKEN })).status).toBe(404)
  })

  test('and is written down', async () => {
    await register(app, { redirect_uris: ['http://x.example/'] }, BARE_TOKEN)
    await app.database.db.selectNoFrom(eb => eb.lit(1).as('one')).execute()
    const refused = () =>
      app.db
        .selectFrom('audit_event')
        .select(['outcome', 'detail'])
        .where('type', '=', 'client_registration')
        .execute()
    let events = await refused()
    while (events.length === 0) events = await refused()
    expect(events[0]).toMatchObject({ outcome: 'refused', detail: { error: expect.any(String) } })
  })
})

test.each([
  ['invalid_redirect_uri', (issuer: string) => ({ redirect_uris: [`${issuer}/device?user_code=BCDF-GHJK`] })],
  [
    'invalid_client_metadata',
    (issuer: string) => ({ redirect_uris: [REDIRECT_URI], post_logout_redirect_uris: [`${issuer}/`] }),
  ],
])('addresses of this very server are refused: %s', async (error, metadata) => {
  expect(await register(app, metadata(app.issuer))).toMatchObject({ status: 400, body: { error } })
})
