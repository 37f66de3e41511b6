// Which pages of other origins may read which answers. Never with the browser's credentials.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Answer, Question } from '../http/ground.ts'
import { as, asking, formQuestion } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, type TokenResponse } from '../support/authorization.ts'
import { billing, ordersFile, ordersSpa, ordersWeb } from '../support/orders.ts'

const OWN = 'http://127.0.0.1:8081'
const ORIGIN_OF_ANOTHER = 'http://127.0.0.1:8080'
const OTHERS = [
  'https://evil.example',
  'null',
  ORIGIN_OF_ANOTHER,
  'http://127.0.0.1',
  'https://127.0.0.1:8081',
  'http://127.0.0.1:8081.evil.example',
  'http://127.0.0.1:80810',
  'file://',
  '__proto__',
]

let app: TestApp
let token: TokenResponse['body']
let answers: Answer[] = []
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  token = (await codeFlow(app.issuer, app.agent(), ordersSpa, { params: { scope: 'openid' } })).token.body
})
afterAll(() => app.close())
afterEach(() => {
  for (const { headers } of answers) expect(headers['access-control-allow-credentials']).toBeUndefined()
  answers = []
})

async function from(origin: string, { headers, ...question }: Question): Promise<Answer> {
  const answer = await asking(app)({ ...question, headers: { ...headers, origin } })
  answers.push(answer)
  return answer
}
const allowed = ({ headers }: Answer) => headers['access-control-allow-origin']
const preflight = (origin: string, path: string) =>
  from(origin, {
    method: 'OPTIONS',
    path,
    headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  })

describe('documents', () => {
  test.each(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks'])(
    '%s is open',
    async path => {
      for (const origin of ['https://anyone.example', 'null'])
        expect(['*', origin]).toContain(allowed(await from(origin, { path })))
      expect((await preflight('https://anyone.example', path)).status).toBe(204)
    },
  )
})

describe('what a client in a browser asks', () => {
  const spa = { client_id: 'orders-spa' }
  const requests: [string, () => Question][] = [
    [
      '/token',
      () => formQuestion('/token', { ...spa, grant_type: 'refresh_token', refresh_token: 'unknown' }),
    ],
    ['/par', () => formQuestion('/par', { ...spa, response_type: 'code' })],
    ['/revoke', () => formQuestion('/revoke', { ...spa, token: 'unknown' })],
    ['/userinfo', () => ({ path: '/userinfo', headers: { authorization: `Bearer ${token.access_token}` } })],
  ]
  test.each(requests)('%s may be read by the origins of its redirect URIs only', async (path, request) => {
    const own = await from(OWN, request())
    expect([allowed(own), own.headers.vary]).toEqual([OWN, expect.stringContaining('Origin')])
    expect(own.headers['access-control-expose-headers']).toContain('WWW-Authenticate')
    for (const origin of OTHERS) {
      const answer = await from(origin, request())
      expect([origin, answer.status, allowed(answer)]).toEqual([origin, 400, undefined])
      expect(answer.text).not.toContain(token.access_token)
    }
    const asked = await preflight(OWN, path)
    expect([asked.status, allowed(asked)]).toEqual([204, OWN])
  })

  test.each(requests)('%s says nothing of other origins before it knows the client, either', async path => {
    const unknown = formQuestion(path, { client_id: 'nobody', token: 'x' })
    for (const origin of OTHERS.filter(other => other !== ORIGIN_OF_ANOTHER)) {
      const asked = await preflight(origin, path)
      const names = Object.keys(asked.headers).filter(name => name.startsWith('access-control-'))
      expect([origin, names]).toEqual([origin, []])
      expect([origin, allowed(await from(origin, unknown))]).toEqual([origin, undefined])
    }
    const own = await from(OWN, unknown)
    expect(allowed(own)).toBe(OWN)
    expect(own.headers['access-control-expose-headers']).toBe('DPoP-Nonce, WWW-Authenticate')
    expect(allowed(await asking(app)(unknown))).toBeUndefined()
  })

  test('a token is not even issued to a page of another origin', async () => {
    const params = { ...spa, grant_type: 'refresh_token', refresh_token: token.refresh_token ?? '' }
    for (const origin of OTHERS) expect((await from(origin, formQuestion('/token', params))).status).toBe(400)
    expect((await from(OWN, formQuestion('/token', params))).status).toBe(200)
  })
})

describe('never', () => {
  test('introspection, whoever asks', async () => {
    for (const origin of [...OTHERS, OWN]) {
      for (const client of [ordersWeb, billing, { client_id: 'nobody', client_secret: 'x' }]) {
        const answer = await from(origin, formQuestion('/introspect', { token: 'x' }, as(client)))
        expect([answer.status >= 400, allowed(answer)]).toEqual([true, undefined])
      }
      expect(allowed(await from(origin, formQuestion('/introspect', { token: 'x' })))).toBeUndefined()
      const asked = await preflight(origin, '/introspect')
      expect([asked.status, allowed(asked)]).toEqual([405, undefined])
    }
  })

  test.each(['/', '/sign-in', '/account', '/authorize', '/end_session', '/admin', '/health/ready'])(
    '%s',
    async path => {
      for (const origin of ['https://evil.example', 'null', OWN]) {
        expect(allowed(await from(origin, { path }))).toBeUndefined()
        expect(allowed(await preflight(origin, path))).toBeUndefined()
      }
    },
  )

  test('our own API, to an origin that nobody registered', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:8081.evil.example']) {
      expect(allowed(await from(origin, { path: '/v1/credentials/self' }))).toBeUndefined()
      expect(allowed(await preflight(origin, '/v1/credentials/self'))).toBeUndefined()
    }
  })
})
