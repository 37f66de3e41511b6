// A credential over http, as a trusted proxy says: refused alike whether it is good or bad, and written down.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Answer } from '../http/ground.ts'
import { asking, basic, errorOf, formQuestion } from '../support/answers.ts'
import type { TestApp } from '../support/app.ts'
import { formatMinted, makeKey, makePersonalToken } from '../support/minted.ts'
import { BILLING_SECRET, ORDERS } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { makeSigningSecret, signMessage, signSimply } from '../support/signing.ts'
import { kinds, leakEvents, letters, settled, startReporting } from './found.ts'

const HTTP = { 'x-forwarded-proto': 'http' }
const LOCAL = '127.0.0.1'

/** All that can be told apart. */
function outside({ status, headers, text }: Answer) {
  const { date: _date, 'x-request-id': _id, ...rest } = headers
  return { status, headers: rest, text: text.replace(/"request_id":"[^"]*"/, '') }
}

const wasRefused = (answer: Answer) => answer.status === 403 && answer.text.includes('came over http')

describe('behind a trusted proxy', () => {
  let app: TestApp
  let secret: string
  let id: string
  beforeAll(async () => {
    app = await startReporting({ TRUSTED_PROXIES: LOCAL, API_KEY_HEADER: 'X-Service-Key' })
    const made = await makeKey(app)
    secret = made.secret
    id = made.token.id
  })
  afterAll(() => app.close())

  const self = (headers: Record<string, string>, path = '/v1/credentials/self') =>
    asking(app)({ path, headers })

  it('a good key and bad ones are answered alike, wherever they stand', async () => {
    const forged = formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id }, Buffer.alloc(32, 9))
    const good = await self({ ...HTTP, 'x-api-key': secret })
    expect([good.status, errorOf(good)]).toEqual([403, 'plain_http'])
    for (const token of [forged, 'nonsense', `${secret}x`, ''])
      expect(outside(await self({ ...HTTP, 'x-api-key': token }))).toEqual(outside(good))
    for (const headers of [
      { authorization: `Bearer ${secret}` },
      { authorization: 'Bearer nonsense' },
      { authorization: `ApiKey ${secret}` },
      { authorization: basic('a', 'b') },
      { authorization: '' },
      { 'x-service-key': secret },
      { cookie: 'latchkey_session=nonsense' },
    ])
      expect(outside(await self({ ...HTTP, ...headers }))).toEqual(outside(good))
    expect((await self({ 'x-api-key': secret })).status).toBe(200)
  })

  it('before a route is looked for', async () => {
    for (const path of ['/v1/nothing', '/v1/api-keys?surprise=1', '/v1'])
      expect(wasRefused(await self({ ...HTTP, 'x-api-key': secret }, path))).toBe(true)
  })

  it.each([
    ['/token', { grant_type: 'client_credentials', client_id: 'billing', client_secret: BILLING_SECRET }],
    ['/token', { grant_type: 'client_credentials', client_id: 'billing', client_secret: 'wrong' }],
    ['/token', { grant_type: 'authorization_code', client_id: 'orders-spa', code: 'x', code_verifier: 'y' }],
    ['/token', { grant_type: 'refresh_token', client_id: 'orders-spa', refresh_token: 'x' }],
    ['/revoke', { client_id: 'orders-spa', token: 'x' }],
    ['/introspect', { client_id: 'billing', client_secret: 'x', token: 'x' }],
    ['/userinfo', { access_token: 'x' }],
    ['/par', { client_id: 'billing', client_assertion: 'x' }],
    ['/token', { client_id: 'billing', subject_token: 'x' }],
  ])('%s %j', async (path, fields) => {
    const answer = await asking(app)(formQuestion(path, fields, HTTP))
    expect([answer.status, errorOf(answer)]).toEqual([403, 'access_denied'])
    expect(wasRefused(answer)).toBe(true)
  })

  it('by Basic, too', async () => {
    const fields = { grant_type: 'client_credentials', resource: ORDERS }
    for (const password of [BILLING_SECRET, 'wrong']) {
      const headers = { ...HTTP, authorization: basic('billing', password) }
      expect(wasRefused(await asking(app)(formQuestion('/token', fields, headers)))).toBe(true)
    }
  })

  it.each([
    ['a personal token', 'personal-access-token'],
    ['a client secret', 'client-secret'],
  ])('by Basic to the JSON API, with %s: its owner is found', async (_name, kind) => {
    const isToken = kind === 'personal-access-token'
    const password = isToken ? (await makePersonalToken(app)).secret : BILLING_SECRET
    const headers = { authorization: basic('billing', password) }
    expect((await self(headers)).json()).toMatchObject({ kind })
    expect(wasRefused(await self({ ...HTTP, ...headers }))).toBe(true)
    await until('it is in the audit', async () => {
      const events = app.db.selectFrom('audit_event').select('id').where('type', '=', 'credential_over_http')
      return (await events.where('subject_type', '=', kind).execute()).length > 0
    })
  })

  it('by a signature, of which nobody learns the key', async () => {
    const signer = await makeSigningSecret(app)
    const url = `${app.issuer}/v1/credentials/self`
    for (const headers of [signMessage(signer, { url }), signSimply(signer, { url })]) {
      expect(wasRefused(await self({ ...HTTP, ...headers }))).toBe(true)
      expect((await self(headers)).status).toBe(200)
    }
  })

  it('what shows no credential is answered', async () => {
    for (const path of [
      '/jwks',
      '/.well-known/openid-configuration',
      '/v1/openapi.json',
      '/sign-in',
      '/health/ready',
    ])
      expect([path, (await self(HTTP, path)).status]).toEqual([path, 200])
    expect((await self(HTTP)).status).toBe(401)
    const headers = { ...HTTP, cookie: 'latchkey_session=nonsense' }
    const question = formQuestion('/authorize', { client_id: 'orders-web' }, headers)
    expect(wasRefused(await asking(app)(question))).toBe(false)
  })

  it.each([
    [{}, false],
    [{ 'x-forwarded-proto': 'https' }, false],
    [{ 'x-forwarded-proto': 'HTTP' }, true],
    [{ 'x-forwarded-proto': 'http, https' }, true],
    // The second hop is the operator's own network.
    [{ 'x-forwarded-proto': 'https, http' }, false],
    [{ 'x-forwarded-proto': '' }, false],
    [{ forwarded: 'proto=http' }, false],
    [{ 'x-forwarded-ssl': 'off', 'front-end-https': 'off' }, false],
  ])('%j', async (headers, refused) => {
    const answer = await self({ ...headers, 'x-api-key': secret })
    expect([wasRefused(answer), answer.status]).toEqual([refused, refused ? 403 : 200])
  })

  it('is in the audit, by the key it was where there is one; nothing else happens', async () => {
    await settled(app)
    await app.app.stop()
    const events = await app.db
      .selectFrom('audit_event')
      .select(['outcome', 'subject_id', 'client_id', 'detail'])
      .where('type', '=', 'credential_over_http')
      .execute()
    const known = { outcome: 'refused', subject_id: id, client_id: 'billing', detail: { policy: 'report' } }
    expect(events).toContainEqual(known)
    expect(events).toContainEqual({ ...known, subject_id: null, client_id: null })
    const secrets = events.filter(({ client_id }) => client_id === 'billing')
    expect(secrets.length).toBeGreaterThan(3)
    expect(JSON.stringify(events)).not.toContain(secret)
    expect(await leakEvents(app, id)).toEqual([])
    expect(letters(app)).toEqual([])
  })
})

it('without a trusted proxy nobody is believed', async () => {
  const app = await startReporting()
  const { secret } = await makeKey(app)
  const headers = { ...HTTP, 'x-api-key': secret }
  expect((await asking(app)({ path: '/v1/credentials/self', headers })).status).toBe(200)
  await app.close()
})

describe.each(['quarantine', 'revoke'])('with the policy %s', policy => {
  it('it ends as well, and its owner hears of it', async () => {
    const app = await startReporting({ TRUSTED_PROXIES: LOCAL, PLAIN_HTTP_POLICY: policy })
    for (const name of ['an API key', 'a JWT access token']) {
      const found = await kinds[name]?.make(app)
      if (!found) throw new Error(`no ${name}`)
      const headers = { ...HTTP, authorization: `Bearer ${found.token}` }
      expect((await asking(app)({ path: '/v1/credentials/self', headers })).status).toBe(403)
      await until('it has ended', async () => !(await found.isAlive()))
      await settled(app)
      if (found.id === undefined) continue
      expect(letters(app).at(-1)).toContain('without encryption')
      expect(await leakEvents(app, found.id)).toMatchObject([{ detail: { how: 'plain_http', policy } }])
    }
    await app.close()
  })
})
