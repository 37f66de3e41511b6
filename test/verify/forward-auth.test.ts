// Forward-auth, asked as each of the four proxies asks: who may ask, what passes, and what is said of what does not.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { nonceOf } from '../support/bound-tokens.ts'
import { proofKey } from '../support/dpop.ts'
import { exchange, exchangeFile } from '../support/exchange.ts'
import { type AskedBy, askForwardAuth, DIALECTS, type Original, toldBy } from '../support/forward-auth.ts'
import { allKnow, bearer, makeKey, makePersonalToken } from '../support/minted.ts'
import { billing, ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { askApp, verifierToken } from './doors.ts'

const ADDRESS = `${ORDERS}/orders/7?page=2`

let app: TestApp
let key: string
beforeAll(async () => {
  app = await startApp({ TRUSTED_PROXIES: '127.0.0.1' }, exchangeFile)
  key = (await makeKey(app)).secret
})
afterAll(() => app.close())

/** The server knows it too. */
async function apply(file: object): Promise<void> {
  await app.apply(file)
  await allKnow(app)
}

const ask = (by: AskedBy, original: Partial<Original> = {}) =>
  askForwardAuth(app, by, { url: ADDRESS, headers: bearer(key), ...original })

describe.each(DIALECTS)('asked by %s', dialect => {
  it('a good request passes, with a signed identity for the API behind', async () => {
    const { status, headers, text } = await ask({ dialect }, { method: 'DELETE' })
    expect([status, text, headers['cache-control']]).toEqual([200, '', 'no-store'])
    const token = String(headers['x-auth-identity'])
    const keys = createRemoteJWKSet(new URL(`${app.issuer}/jwks`))
    const expected = { issuer: app.issuer, audience: ORDERS, typ: 'identity+jwt', algorithms: ['ES256'] }
    const { payload } = await jwtVerify(token, keys, expected)
    expect(payload).toEqual({
      iss: app.issuer,
      aud: ORDERS,
      sub: 'billing',
      subject_type: 'client',
      client_id: 'billing',
      organization: 'acme',
      credential_kind: 'api-key',
      credential_id: expect.stringMatching(/^\w{16}$/),
      credential_issued_at: expect.any(Number),
      scope: 'read:orders write:orders',
      env: 'live',
      method: 'DELETE',
      host: 'api.example.com',
      path: '/orders/7',
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 60,
      jti: expect.stringMatching(/^[\w-]{22}$/),
    })
  })

  it('an exchanged token: whom it speaks for and who acts; refused from elsewhere', async () => {
    const limited = await makeKey(app, { allowedAddresses: ['127.0.0.0/8', '203.0.113.0/24'] })
    const { body } = await exchange(app.issuer, limited.secret)
    const headers = bearer(body.access_token ?? '')
    const good = await ask({ dialect, proxy: { 'X-Forwarded-For': '203.0.113.7' } }, { headers })
    expect(decodeJwt(String(good.headers['x-auth-identity']))).toMatchObject({
      sub: 'billing',
      client_id: 'gateway',
      act: { sub: 'gateway' },
      credential_kind: 'access-token',
      env: 'live',
    })
    const refused = await ask({ dialect, proxy: { 'X-Forwarded-For': '198.51.100.7' } }, { headers })
    expect(toldBy(dialect, refused)).toMatchObject({ status: 403, code: 'address_not_allowed' })
  })

  it.each<[string, Record<string, string | string[]>, number, string]>([
    ['nothing', {}, 401, 'unauthenticated'],
    ['a bad key', { 'x-api-key': 'lk_live_key_0123456789abcdef_nothing' }, 401, 'invalid_token'],
    ['two credentials', { authorization: 'Bearer x', 'x-api-key': 'y' }, 400, 'ambiguous_credentials'],
  ])('%s is refused', async (_name, headers, status, code) => {
    const answer = await ask({ dialect }, { headers })
    expect(toldBy(dialect, answer)).toMatchObject({ status, code })
    expect(answer.headers['x-auth-identity']).toBeUndefined()
    if (status === 401) expect(toldBy(dialect, answer).challenge).toContain(`Bearer realm="${app.issuer}"`)
  })

  it('the scopes and the environment that the operator wants are needed', async () => {
    const wants = async (setup: Record<string, string>) => toldBy(dialect, await ask({ dialect, setup }))
    expect(await ask({ dialect, setup: { scope: 'read:orders write:orders', env: 'live' } })).toMatchObject({
      status: 200,
    })
    expect(await wants({ scope: 'read:orders admin:orders' })).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
      challenge: `Bearer realm="${app.issuer}", error="insufficient_scope", scope="read:orders admin:orders"`,
    })
    expect(await wants({ env: 'test' })).toMatchObject({ status: 403, code: 'wrong_environment' })
    expect(await wants({ resource: STOCK })).toMatchObject({ status: 403, code: 'wrong_audience' })
  })

  it('a resource that is set up counts, wherever the request went', async () => {
    const { headers } = await ask(
      { dialect, setup: { resource: ORDERS } },
      { url: 'https://elsewhere.example/a' },
    )
    const { aud, host, path } = decodeJwt(String(headers['x-auth-identity']))
    expect({ aud, host, path }).toEqual({ aud: ORDERS, host: 'elsewhere.example', path: '/a' })
  })

  it.each([
    [{ resource: 'https://nobody.example' }, 'resource'],
    [{ scopes: 'read:orders' }, 'scopes'],
    [{ scope: 'read:orders "', resource: ORDERS }, 'scope'],
    [{ scope: 'read:orders\n' }, 'scope'],
  ])('what is set up wrongly is told: %j', async (setup, path) => {
    const answer = await ask({ dialect, setup })
    expect(toldBy(dialect, answer)).toMatchObject({ status: 400, code: 'validation_failed' })
    expect(dialect === 'nginx' ? answer.headers['x-auth-body'] : answer.text).toContain(`"path":"${path}"`)
  })

  it('a limit is told with the time to wait', async () => {
    const { secret } = await makeKey(app, { rateLimit: { requests: 1, seconds: 3600 } })
    const passed = await ask({ dialect }, { headers: bearer(secret) })
    expect([passed.status, passed.headers.ratelimit]).toEqual([200, expect.stringContaining('r=0')])
    const told = toldBy(dialect, await ask({ dialect }, { headers: bearer(secret) }))
    expect(told).toMatchObject({
      status: 429,
      code: 'rate_limited',
      retryAfter: expect.stringMatching(/^\d+$/),
    })
  })

  it('an address list goes by the address that the proxy tells', async () => {
    const { secret } = await makeKey(app, { allowedAddresses: ['192.0.2.0/24'] })
    const as = async (address: string) =>
      ask({ dialect, proxy: { 'X-Forwarded-For': address } }, { headers: bearer(secret) })
    expect((await as('192.0.2.7')).status).toBe(200)
    expect((await as('203.0.113.9, 192.0.2.7')).status).toBe(200)
    expect(toldBy(dialect, await as('192.0.2.7, 203.0.113.9'))).toMatchObject({
      status: 403,
      code: 'address_not_allowed',
    })
  })

  it('a proof is for the original request', async () => {
    const holder = await proofKey()
    const { secret } = await makeKey(app, { cnf: { jkt: holder.jkt } })
    const shown = async (method: string, url: string) => ({
      authorization: `DPoP ${secret}`,
      dpop: await holder.proof({ method, url, token: secret, nonce: nonceOf(app) }),
    })
    const headers = await shown('PUT', `${ORDERS}/orders/7`)
    expect((await ask({ dialect }, { method: 'PUT', headers })).status).toBe(200)
    expect(toldBy(dialect, await ask({ dialect }, { method: 'PUT', headers }))).toMatchObject({
      status: 401,
      code: 'invalid_dpop_proof',
    })
    const forUs = await shown('GET', `${app.issuer}/v1/forward-auth/${dialect}`)
    expect(toldBy(dialect, await ask({ dialect }, { method: 'PUT', headers: forUs }))).toMatchObject({
      code: 'invalid_dpop_proof',
    })
  })

  it('only configured proxies are answered, and others are told nothing', async () => {
    const good = await ask({ dialect, from: '127.0.0.2' })
    const bad = await ask({ dialect, from: '127.0.0.2' }, { headers: {} })
    const { request_id: one, ...told } = good.json()
    const { request_id: other, ...toldToo } = bad.json()
    expect(one).not.toBe(other)
    expect([good.status, told]).toEqual([bad.status, toldToo])
    expect(told).toMatchObject({ status: 403, code: 'access_denied', detail: 'This is not allowed.' })
    for (const { headers } of [good, bad])
      expect(Object.keys(headers).filter(name => /^(?:x-auth-|www-auth|ratelimit)/.test(name))).toEqual([])
  })

  it('a credential that came over http is refused', async () => {
    const url = ADDRESS.replace('https:', 'http:')
    expect(toldBy(dialect, await ask({ dialect }, { url }))).toMatchObject({
      status: 403,
      code: 'plain_http',
    })
    const socket = { 'X-Forwarded-Proto': 'ws' }
    expect(toldBy(dialect, await ask({ dialect, proxy: socket }))).toMatchObject({ code: 'plain_http' })
    const none = await ask({ dialect, setup: { resource: ORDERS } }, { url, headers: {} })
    expect(toldBy(dialect, none)).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  it('a token in the original address is refused', async () => {
    const url = `${ORDERS}/orders?access_token=${key}`
    expect(toldBy(dialect, await ask({ dialect }, { url, headers: {} }))).toMatchObject({
      status: 400,
      code: 'invalid_request',
    })
  })
})

it('nobody is answered where no proxy is configured', async () => {
  const alone = await startApp({}, ordersFile)
  try {
    const { secret } = await makeKey(alone)
    const answer = await askForwardAuth(
      alone,
      { dialect: 'caddy' },
      { url: ADDRESS, headers: bearer(secret) },
    )
    expect([answer.status, answer.json().code]).toEqual([403, 'access_denied'])
  } finally {
    await alone.close()
  }
})

describe('an identity', () => {
  const identityFor = async (headers: Record<string, string>) =>
    String((await ask({ dialect: 'caddy' }, { headers })).headers['x-auth-identity'])

  it('of a person has no client', async () => {
    const { secret } = await makePersonalToken(app)
    const claims = decodeJwt(await identityFor(bearer(secret)))
    expect(claims).toMatchObject({ subject_type: 'account', credential_kind: 'personal-access-token' })
    expect(claims).not.toHaveProperty('client_id')
  })

  it('of an access token says when that ends', async () => {
    const params = { grant_type: 'client_credentials', resource: ORDERS }
    const { body } = await protocolPost(app.issuer, '/token', billing, params)
    const claims = decodeJwt(await identityFor(bearer(body.access_token ?? '')))
    const { jti, exp, iat } = decodeJwt(body.access_token ?? '')
    expect(claims).toMatchObject({
      credential_kind: 'access-token',
      credential_id: jti,
      credential_issued_at: iat,
      credential_expires_at: exp,
      client_id: 'billing',
    })
  })

  it('is signed as the tokens of its API are', async () => {
    for (const alg of ['EdDSA', 'RS256', 'ES256']) {
      await apply({ resources: [{ ...ordersFile.resources[0], token_signing_alg: alg }] })
      expect(decodeProtectedHeader(await identityFor(bearer(key)))).toMatchObject({
        alg,
        typ: 'identity+jwt',
      })
    }
  })

  it('is no credential at any door', async () => {
    const token = await identityFor(bearer(key))
    const own = await askApp(app, { path: '/v1/credentials/self', headers: bearer(token) })
    expect([own.status, own.json().code]).toEqual([401, 'invalid_token'])
    expect((await askApp(app, { path: '/userinfo', headers: bearer(token) })).status).toBe(401)
    const { body } = await protocolPost(app.issuer, '/introspect', billing, { token })
    expect(body).toEqual({ active: false })
    const asked = await askApp(app, {
      method: 'POST',
      path: '/v1/verify',
      headers: { ...bearer(await verifierToken(app)), 'content-type': 'application/json' },
      body: JSON.stringify({ credential: token, resource: ORDERS }),
    })
    expect(asked.json()).toMatchObject({ allowed: false, response: { status: 401 } })
    for (const headers of [bearer(token), { 'x-auth-identity': token }])
      expect(toldBy('caddy', await ask({ dialect: 'caddy' }, { headers }))).toMatchObject({ status: 401 })
  })
})
