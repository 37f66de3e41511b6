// Anything, anywhere: a few hundred requests made of good and bad parts. Never our failure, always every header.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Question } from '../http/ground.ts'
import { as, asking, cookieOf, countRows, expectOrderly } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, type TokenResponse } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { billing, CALLBACK, ORDERS, ordersFile, ordersSpa, ordersWeb } from '../support/orders.ts'
import { until } from '../support/process.ts'

/** fast-check says seed and path when it fails; another seed is other requests. */
const SEED = 20_261_122
const RUNS = 400

let app: TestApp
let cookie: string
let csrf: string
let token: TokenResponse['body']
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  const agent = app.agent()
  token = (await codeFlow(app.issuer, agent, ordersWeb, { params: { scope: 'openid read:orders' } })).token
    .body
  csrf = parse((await agent.get('/account')).text).forms[0]?.hidden.csrf ?? ''
  cookie = cookieOf(agent)
})
afterAll(() => app.close())

const PATHS = [
  '/',
  '/sign-in',
  '/sign-up',
  '/sign-out',
  '/account',
  '/account/sessions',
  '/account/sessions/x/end',
  '/account/applications/x/withdraw',
  '/admin',
  '/admin/first-account',
  '/interaction/x',
  '/authorize',
  '/authorize/x',
  '/token',
  '/introspect',
  '/revoke',
  '/userinfo',
  '/end_session',
  '/end_session/confirm',
  '/end_session/success',
  '/jwks',
  '/.well-known/openid-configuration',
  '/v1/credentials/self',
  '/v1/x',
  '/health/live',
  '/assets/x',
]

const NAMES = [
  'client_id',
  'client_secret',
  'response_type',
  'response_mode',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'resource',
  'prompt',
  'max_age',
  'id_token_hint',
  'login_hint',
  'acr_values',
  'claims',
  'request',
  'request_uri',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'grant_type',
  'code',
  'refresh_token',
  'token',
  'token_type_hint',
  'access_token',
  'post_logout_redirect_uri',
  'xsrf',
  'logout',
  'csrf',
  'username',
  'password',
  'name',
  'email',
  'invite',
  'return_to',
  'decision',
  'switch_account',
  '__proto__',
  'constructor',
  '',
]

const GOOD = [
  'orders-web',
  'orders-spa',
  'billing',
  'code',
  'query',
  'form_post',
  CALLBACK,
  'openid',
  'openid read:orders',
  ORDERS,
  'none',
  'login',
  'consent',
  '0',
  'S256',
  'E'.repeat(43),
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'http://127.0.0.1:8080/bye',
  'ada',
  'allow',
  'deny',
  'yes',
  'a.b.c',
  'eyJhbGciOiJub25lIn0.eyJhdWQiOiJvcmRlcnMtd2ViIn0.',
]

const JUNK = [
  '',
  ' ',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '\r\nSet-Cookie: a=b',
  '"',
  "'",
  '\\',
  '<script>',
  '%00',
  '%',
  '../..',
  '//evil',
  '__proto__',
  'constructor',
  'NaN',
  '-1',
  '1e999',
  '[]',
  '{"a":{}}',
  'javascript:alert(1)',
  'http://[::1',
  'urn:',
  '\u202e',
  'x'.repeat(5000),
  '😀'.repeat(300),
  'null',
  "'; DROP TABLE account; --",
  '\u0130\u212a',
]

const value = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...GOOD) },
  { weight: 4, arbitrary: fc.constantFrom(...JUNK) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
)
const parameters = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { maxLength: 12 })

/** Percent-encoding that can also say what no text can. */
const encode = (text: string) =>
  [...text]
    .map(character => (character.isWellFormed() ? encodeURIComponent(character) : '%ED%A0%80'))
    .join('')
const encoded = (pairs: readonly (readonly [string, string])[]) =>
  pairs.map(([name, one]) => `${encode(name)}=${encode(one)}`).join('&')

const question = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'),
  path: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...PATHS) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...PATHS), value).map(([path, junk]) => `${path}/${encode(junk)}`),
    },
  ),
  query: parameters,
  body: parameters,
  type: fc.constantFrom(
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded',
    'application/json',
    'text/plain',
    'multipart/form-data',
    '',
    ';;;',
    'application/x-www-form-urlencoded; charset=x',
  ),
  who: fc.constantFrom(
    'nobody',
    'nobody',
    'web',
    'billing',
    'session',
    'session',
    'bearer',
    'refresh',
    'junk',
  ),
  accept: fc.constantFrom('text/html', 'application/json', '*/*', ';q=', ''),
  origin: fc.constantFrom('own', 'own', 'https://evil.example', 'null', 'absent'),
})

const credentials = (who: string): Record<string, string> => {
  if (who === 'web') return as(ordersWeb)
  if (who === 'billing') return as(billing)
  if (who === 'session') return { cookie }
  if (who === 'bearer') return { authorization: `Bearer ${token.access_token}` }
  if (who === 'refresh') return { authorization: `Bearer ${token.refresh_token}` }
  if (who === 'junk')
    return { authorization: 'Basic OjpcMDA=', cookie: 'latchkey_session=%00; latchkey_csrf="' }
  return {}
}

test('whatever is sent, the answer is orderly and nobody is made or unmade', async () => {
  const before = await countRows(app)
  const property = fc.asyncProperty(
    question,
    async ({ method, path, query, body, type, who, accept, origin }) => {
      const sent: Question = {
        method,
        path: query.length > 0 ? `${path}?${encoded(query)}` : path,
        headers: {
          accept,
          ...credentials(who),
          ...(type !== '' && method !== 'GET' && { 'content-type': type }),
          ...(origin !== 'absent' && { origin: origin === 'own' ? app.issuer : origin }),
        },
        // With the token of the forms, so that what is behind them meets the rest.
        ...(method === 'POST' && { body: encoded(who === 'session' ? [['csrf', csrf], ...body] : body) }),
      }
      const answer = await asking(app)(sent)
      expectOrderly(answer)
      const target = answer.headers.location
      if (target?.startsWith('http') && !target.startsWith(app.issuer))
        expect([
          ...(ordersWeb.redirect_uris ?? []),
          ...(ordersSpa.redirect_uris ?? []),
          'http://127.0.0.1:8080/bye',
        ]).toContain(target.replace(/[?#].*$/, ''))
    },
  )
  await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: true })
  const after = await countRows(app)
  for (const table of ['account', 'client', 'admin_link', 'invitation'])
    expect(after[table]).toBe(before[table])
  await until('the server is ready', async () => {
    const { status } = await asking(app)({ path: '/health/ready' })
    return status === 200
  })
})
