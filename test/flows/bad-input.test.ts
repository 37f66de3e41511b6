// What callers must not ask for, at the real server: each a clear refusal, nothing written, nothing of the inside shown.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  as,
  asking,
  authorize,
  basic,
  countRows,
  errorOf,
  expectOrderly,
  formQuestion as form,
  type Params,
  refusing,
} from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { FlowClient } from '../support/authorization.ts'
import { DEVICE_GRANT } from '../support/devices.ts'
import { billing, CALLBACK, ordersFile, ordersSpa, ordersWeb } from '../support/orders.ts'
import { until } from '../support/process.ts'

let app: TestApp
let ask: ReturnType<typeof asking>
let refused: ReturnType<typeof refusing>
let before: Record<string, number>
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  ask = asking(app)
  refused = refusing(ask)
})
afterAll(() => app.close())
beforeEach(async () => {
  before = await countRows(app)
})
afterEach(async () => {
  expect(await countRows(app)).toEqual(before)
  await until('the server is ready', async () => (await ask({ path: '/health/ready' })).status === 200)
})

/** What a URL could make of `http://127.0.0.1:8080/callback`, and what people register by mistake. */
const NEARLY = [
  `${CALLBACK}/`,
  `${CALLBACK}?more=1`,
  `${CALLBACK}?`,
  `${CALLBACK}#x`,
  `${CALLBACK}/../callback`,
  `${CALLBACK}%00`.replace('%00', '%2500'),
  'http://127.0.0.1:8080/CALLBACK',
  'http://127.0.0.1:8080/callback%20',
  'http://127.0.0.1:8080//callback',
  'HTTP://127.0.0.1:8080/callback',
  'https://127.0.0.1:8080/callback',
  'http://127.0.0.1:8081/callback',
  'http://127.0.0.1/callback',
  'http://127.0.0.1.:8080/callback',
  'http://127.1:8080/callback',
  'http://0x7f000001:8080/callback',
  'http://localhost:8080/callback',
  'http://user@127.0.0.1:8080/callback',
  'http://127.0.0.1:8080@evil.example/callback',
  'http://127.0.0.1:8080\\@evil.example/callback',
  'http://evil.example/?http://127.0.0.1:8080/callback',
  '//127.0.0.1:8080/callback',
  '/callback',
  'javascript:alert(1)',
  'data:text/html,x',
  'http://127.0.0.1:8080/callback\r\nLocation: https://evil.example',
  '__proto__',
]

describe('an authorization request that nobody can be sent back from', () => {
  test.each([
    ...NEARLY.map((uri): [string, Params, string] => [uri, { redirect_uri: uri }, 'invalid_redirect_uri']),
    ['no client', { client_id: undefined }, 'invalid_request'],
    ['an empty client', { client_id: '' }, 'invalid_request'],
    ['the client twice', { client_id: ['orders-web', 'orders-web'] }, 'invalid_request'],
    ...[
      'nobody',
      '__proto__',
      'constructor',
      'toString',
      "' OR 1=1 --",
      'a\r\nSet-Cookie: a=b',
      'x'.repeat(9000),
    ].map((id): [string, Params, string] => [
      `client ${id.slice(0, 20)}`,
      { client_id: id },
      'invalid_client',
    ]),
  ] as [string, Params, string][])('%j is our own page', async (_name, params, code) => {
    await refused(authorize(params), 400, code)
  })

  test('what was sent is not part of the page', async () => {
    const script = '<script>alert(1)</script>'
    const { text } = await ask(authorize({ client_id: script, state: script, redirect_uri: script }))
    expect(text).not.toContain('alert(1)')
  })
})

describe('an authorization request that is wrong otherwise', () => {
  const rows: [Params, string][] = [
    [{ response_type: undefined }, 'invalid_request'],
    ...['token', 'id_token', 'code id_token', 'none', '__proto__'].map((response_type): [Params, string] => [
      { response_type },
      'unsupported_response_type',
    ]),
    ...['jwt', 'web_message', 'query.jwt', '__proto__'].map((response_mode): [Params, string] => [
      { response_mode },
      'unsupported_response_mode',
    ]),
    [{ response_mode: ['query', 'fragment'] }, 'invalid_request'],
    [{ state: ['a', 'b'] }, 'invalid_request'],
    [{ scope: ['openid', 'openid'] }, 'invalid_request'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ code_challenge: `${'é'.repeat(43)}` }, 'invalid_request'],
    [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    [{ request_uri: 'http://169.254.169.254/' }, 'request_uri_not_supported'],
    [{ registration: '{}' }, 'registration_not_supported'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ prompt: '__proto__' }, 'invalid_request'],
    ...['-1', 'x', '1e400', '1.5', '99999999999999999999'].map((max_age): [Params, string] => [
      { max_age },
      'invalid_request',
    ]),
    ...[
      'orders',
      '__proto__',
      'javascript:alert(1)',
      'https://api.example.com//',
      'https://api.example.com#x',
    ].map((resource): [Params, string] => [{ resource }, 'invalid_target']),
    [{ resource: ['https://api.example.com', 'https://evil.example'] }, 'invalid_target'],
    ...['openid __proto__', 'openid\tread:orders', 'openid  openid', '"', `openid ${'x '.repeat(4000)}y`].map(
      (scope): [Params, string] => [{ scope }, 'invalid_scope'],
    ),
    ...['x', 'a.b.c', 'eyJhbGciOiJub25lIn0.eyJhdWQiOlsib3JkZXJzLXdlYiJdfQ.'].map(
      (id_token_hint): [Params, string] => [{ id_token_hint }, 'invalid_request'],
    ),
  ]
  test.each(rows)('%j goes back to the client as %s', async (params, code) => {
    const answer = await ask(
      authorize({ nonce: undefined, ...params, ...(params.id_token_hint && { scope: 'openid' }) }),
    )
    expectOrderly(answer)
    expect(answer.status).toBe(303)
    const location = new URL(answer.headers.location ?? '')
    expect(`${location.origin}${location.pathname}`).toBe(CALLBACK)
    const sent = new URLSearchParams(location.hash.slice(1) || location.search)
    expect(Object.fromEntries(sent)).toMatchObject({ error: code, iss: app.issuer })
  })

  test('one that is posted is no other, and must be a form that fits into an address', async () => {
    for (const path of ['/authorize', '/end_session']) {
      const json = { 'content-type': 'application/json' }
      await refused({ method: 'POST', path, body: '{}', headers: json }, 415)
      await refused(form(path, { client_id: 'orders-web', state: 'x'.repeat(20_000) }), 413)
      await refused(form(path, 'client_id=a&client_id=b'), 400, 'invalid_request')
    }
  })
})

describe('a request for a token', () => {
  const code = {
    grant_type: 'authorization_code',
    code: 'x',
    redirect_uri: CALLBACK,
    code_verifier: 'v'.repeat(43),
  }
  const rows: [string, Record<string, string>, FlowClient, string][] = [
    ...['password', 'implicit', '__proto__', 'constructor', 'urn:openid:params:grant-type:ciba'].map(
      (grant_type): [string, Record<string, string>, FlowClient, string] => [
        `grant type ${grant_type}`,
        { grant_type },
        ordersWeb,
        'unsupported_grant_type',
      ],
    ),
    ['no grant type', {}, ordersWeb, 'invalid_request'],
    ["a device's code", { grant_type: DEVICE_GRANT, device_code: 'x' }, ordersWeb, 'invalid_request'],
    ['a grant type the client has not', { grant_type: 'client_credentials' }, ordersWeb, 'invalid_request'],
    ['an unknown code', code, ordersWeb, 'invalid_grant'],
    ['a code of 50,000 characters', { ...code, code: 'x'.repeat(50_000) }, ordersWeb, 'invalid_grant'],
    ['a code __proto__', { ...code, code: '__proto__' }, ordersWeb, 'invalid_grant'],
    ['no code', { ...code, code: '' }, ordersWeb, 'invalid_request'],
    [
      'an unknown refresh token',
      { grant_type: 'refresh_token', refresh_token: 'x' },
      ordersWeb,
      'invalid_grant',
    ],
    ['no refresh token', { grant_type: 'refresh_token' }, ordersWeb, 'invalid_request'],
    ['a scope __proto__', { grant_type: 'client_credentials', scope: '__proto__' }, billing, 'invalid_scope'],
    [
      'a resource __proto__',
      { grant_type: 'client_credentials', resource: '__proto__' },
      billing,
      'invalid_target',
    ],
    [
      'a huge scope',
      { grant_type: 'client_credentials', scope: 'x '.repeat(9000).trim() },
      billing,
      'invalid_scope',
    ],
  ]
  test.each(rows)('with %s is refused', async (_name, params, client, error) => {
    const answer = await ask(form('/token', params, as(client)))
    expectOrderly(answer)
    expect([answer.status, errorOf(answer), answer.headers['cache-control']]).toEqual([
      400,
      error,
      'no-store',
    ])
  })

  test.each([
    ['two ways to say who it is', { client_secret: 'x' }, as(billing), 400, 'invalid_request'],
    ['two clients', { client_id: 'orders-web' }, as(billing), 400, 'invalid_request'],
    ['nobody', {}, {}, 400, 'invalid_request'],
    ['an unknown client', {}, as({ client_id: '__proto__', client_secret: 'x' }), 401, 'invalid_client'],
    [
      'a secret of a public client',
      {},
      as({ client_id: 'orders-spa', client_secret: 'x' }),
      401,
      'invalid_client',
    ],
    ['U+0000 for a name', {}, { authorization: basic('%00', 'x') }, 400, 'invalid_request'],
    ['U+0000 for a secret', {}, { authorization: basic('billing', '\0') }, 400, 'invalid_request'],
    ['a lone surrogate', {}, { authorization: basic('%ED%A0%80', 'x') }, 400, 'invalid_request'],
    ['what is not UTF-8', {}, { authorization: basic('\xff\xfe', 'x') }, 400, 'invalid_request'],
    ['broken percent-encoding', {}, { authorization: basic('%zz', 'x') }, 400, 'invalid_request'],
    ['what is not base64', {}, { authorization: 'Basic !!!' }, 400, 'invalid_request'],
    ['no scheme', {}, { authorization: 'x' }, 400, 'invalid_request'],
    ['an assertion, which is off', { client_assertion: 'a.b.c' }, {}, 400, 'invalid_request'],
    [
      'an attestation with a list for a name',
      {},
      { 'oauth-client-attestation': 'e30.eyJzdWIiOlsieCJdfQ.x' },
      401,
      'invalid_client',
    ],
  ] as [string, Record<string, string>, Record<string, string>, number, string][])(
    'from %s is refused',
    async (_name, params, headers, status, error) => {
      await refused(form('/token', { grant_type: 'client_credentials', ...params }, headers), status, error)
    },
  )

  const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const unsigned = (payload: unknown) =>
    [{ alg: 'ES256' }, payload, 'x'].map(part => btoa(JSON.stringify(part)).replace(/=+$/, '')).join('.')

  test.each([
    ['a number', { sub: 5 }],
    ['a list', { sub: ['https://app.example.com/client.json'] }],
    ['an object', { sub: { toString: 'x' } }],
    ['true', { sub: true }],
    ['U+0000', { sub: 'a\0b' }],
    ['nothing', {}],
  ])('from an assertion whose sub is %s is refused, at every endpoint', async (_name, payload) => {
    const assertion = { client_assertion: unsigned(payload), client_assertion_type: ASSERTION_TYPE }
    for (const path of ['/token', '/par', '/revoke', '/introspect', '/device_authorization']) {
      const params = { ...assertion, grant_type: 'client_credentials', token: 'x' }
      await refused(form(path, params), 401, 'invalid_client')
    }
  })

  test('is answered in JSON, whatever else the caller likes', async () => {
    const accept = 'text/html, image/gif, *; q=.2, */*; q=.2'
    for (const path of ['/token', '/introspect', '/revoke', '/userinfo']) {
      const { headers } = await ask(form(path, {}, { accept }))
      expect(headers['content-type']).toContain('application/json')
    }
  })
})

test('a public client cannot be anybody else', async () => {
  const code = { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'orders-web' }
  await refused(form('/token', code), 401, 'invalid_client')
  await refused(form('/introspect', { token: 'x', client_id: ordersSpa.client_id, client_secret: 'x' }), 401)
})
