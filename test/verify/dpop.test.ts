// Credentials that are bound to a DPoP key, as the server of a resource asks about them: POST /v1/verify and /introspect.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { boundCodeFlow, boundTokenPost, nonceOf, showBound } from '../support/bound-tokens.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { billing, ORDERS, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'
import {
  askApp,
  askVerify,
  doorsFile,
  pairsOf,
  relayed,
  resultOf,
  verifierToken,
  warehouse,
} from './doors.ts'
import { createMaker, type Maker } from './minted.ts'

const ADDRESS = `${ORDERS}/orders/1`

let app: TestApp
let key: ProofKey
let server: string
let ada: Maker
let token: string
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  key = await proofKey()
  server = await verifierToken(app)
  ada = await createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
  const params = { scope: 'openid read:orders', resource: ORDERS }
  const { body } = await boundCodeFlow(app, app.agent(), ordersWeb, key, { params })
  token = body.access_token ?? ''
})
afterAll(() => app.close())
afterEach(() => {
  jest.useRealTimers()
})

type Change = Parameters<typeof showBound>[3]

/** What a caller of the orders API sends. */
const shown = (change: Change = {}, credential = token) =>
  showBound(app, key, credential, { url: ADDRESS, ...change })

async function verify(headers: Record<string, string>, more: object = {}) {
  const request = { method: 'GET', url: `${ADDRESS}?page=2`, headers: pairsOf(headers), ...more }
  return resultOf(await askVerify(app, server, { request, resource: ORDERS, scopes: ['read:orders'] }))
}

async function explain(headers: Record<string, string>) {
  const request = { method: 'GET', url: ADDRESS, headers: pairsOf(headers) }
  const asked = { request, resource: ORDERS, scopes: ['read:orders'], explain: true }
  const { allowed, checks = [], response } = resultOf(await askVerify(app, server, asked))
  return {
    allowed,
    code: response?.body.code,
    names: checks.map(({ name }) => name),
    failed: checks.filter(({ passed }) => !passed).map(({ name }) => name),
    details: new Map(checks.map(({ name, detail }) => [name, detail])),
  }
}

const refused = (code: string, error = code) => ({
  status: 401,
  code,
  challenge: expect.stringMatching(new RegExp(`^DPoP realm="${app.issuer}", error="${error}", algs="`)),
  type: 'application/problem+json',
})

describe('POST /v1/verify', () => {
  it('judges the proof by the request that it is told of', async () => {
    expect(await verify(await shown())).toMatchObject({
      allowed: true,
      identity: { kind: 'access-token', cnf: { jkt: key.jkt } },
    })
    expect(relayed(await verify(await shown(), { method: 'POST' }))).toEqual(refused('invalid_dpop_proof'))
    expect(relayed(await verify(await shown(), { url: `${ORDERS}/orders/2` }))).toEqual(
      refused('invalid_dpop_proof'),
    )
    const atOurs = await shown({ url: `${app.issuer}/v1/verify`, method: 'POST' })
    expect(relayed(await verify(atOurs))).toEqual(refused('invalid_dpop_proof'))
  })

  it('takes a path for one of the issuer', async () => {
    const headers = await shown({ url: `${app.issuer}/orders` })
    expect(await verify(headers, { url: '/orders?a=b' })).toMatchObject({ allowed: true })
  })

  it('lets a proof through once', async () => {
    const headers = await shown()
    expect(await verify(headers)).toMatchObject({ allowed: true })
    expect(relayed(await verify(headers))).toEqual(refused('invalid_dpop_proof'))
  })

  it('asks for a nonce in the answer to relay, not in its own', async () => {
    const request = { method: 'GET', url: ADDRESS, headers: pairsOf(await shown({ nonce: undefined })) }
    const answer = await askVerify(app, server, { request, resource: ORDERS })
    const result = resultOf(answer)
    expect(relayed(result)).toEqual(refused('use_dpop_nonce'))
    expect(answer.headers['dpop-nonce']).toBeUndefined()
    const [, nonce] = result.response?.headers.find(([name]) => name === 'DPoP-Nonce') ?? []
    expect(await verify(await shown({ nonce }))).toMatchObject({ allowed: true })
  })

  it('has a newer nonce to pass on when there is one', async () => {
    const others = ['nextTick', 'setImmediate', 'setTimeout', 'setInterval', 'queueMicrotask'] as const
    const midMinute = (Math.ceil(Date.now() / 60_000) + 0.5) * 60_000
    jest.useFakeTimers({ now: midMinute, doNotFake: [...others, 'performance', 'hrtime'] })
    const nonce = nonceOf(app)
    expect(await verify(await shown({ nonce }))).not.toHaveProperty('headers')
    jest.setSystemTime(midMinute + 60_000)
    const newer = [['DPoP-Nonce', nonceOf(app)]]
    expect(await verify(await shown({ nonce }))).toMatchObject({ allowed: true, headers: newer })
    const path = '/v1/credentials/self'
    const self = await askApp(app, { path, headers: await showBound(app, key, token, { nonce }) })
    expect([self.status, self.headers['dpop-nonce']]).toEqual([200, nonceOf(app)])
    jest.setSystemTime(midMinute + 5 * 60_000)
    expect(relayed(await verify(await shown({ nonce })))).toEqual(refused('use_dpop_nonce'))
  })

  it('refuses a bound token that comes alone, and one in the scheme Bearer', async () => {
    const alone = { credential: token, resource: ORDERS }
    expect(relayed(resultOf(await askVerify(app, server, alone)))).toMatchObject({ code: 'invalid_token' })
    const asBearer = { ...(await shown()), authorization: `Bearer ${token}` }
    expect(relayed(await verify(asBearer))).toMatchObject({ code: 'invalid_token' })
  })

  it('refuses in the scheme DPoP what was shown in it', async () => {
    const other = await proofKey()
    const thiefs = await showBound(app, other, token, { url: ADDRESS })
    expect(relayed(await verify(thiefs))).toEqual(refused('invalid_token'))
    const request = { method: 'GET', url: ADDRESS, headers: pairsOf(await shown()) }
    const wanted = { request, resource: ORDERS, scopes: ['admin:orders'] }
    expect(relayed(resultOf(await askVerify(app, server, wanted)))).toMatchObject({
      status: 403,
      challenge: expect.stringMatching(/^DPoP .* error="insufficient_scope", scope="admin:orders", algs="/),
    })
  })
})

describe('an explanation', () => {
  it('names every check, and spends nothing', async () => {
    const headers = await shown()
    for (const _again of [1, 2]) {
      const { allowed, names, failed } = await explain(headers)
      expect({ allowed, failed }).toEqual({ allowed: true, failed: [] })
      expect(names.slice(0, 4)).toEqual(['presented', 'shape', 'dpop_proof', 'known'])
      expect(names.slice(-4)).toEqual(['audience', 'binding', 'scopes', 'replay'])
    }
    expect(await verify(headers)).toMatchObject({ allowed: true })
    expect(await explain(headers)).toMatchObject({ failed: ['replay'], code: 'invalid_dpop_proof' })
  })

  it('says what is wrong with a proof, and goes on', async () => {
    const { code, failed, details, names } = await explain(await shown({ method: 'POST' }))
    expect([code, failed]).toEqual(['invalid_dpop_proof', ['dpop_proof', 'binding']])
    expect(details.get('dpop_proof')).toBe('it is for another method: its htm has to be GET.')
    expect(names).toContain('scopes')
    expect(await explain(await shown({ nonce: undefined }))).toMatchObject({ code: 'use_dpop_nonce' })
  })

  it("of a token that is another's", async () => {
    const other = await proofKey()
    const found = await explain(await showBound(app, other, token, { url: ADDRESS }))
    expect(found).toMatchObject({ code: 'invalid_token', failed: ['binding'] })
    expect(found.details.get('binding')).toBe('it is bound to jkt')
  })

  it('of a bound API key', async () => {
    const { secret } = await ada.key({ scopes: { [ORDERS]: ['read:orders'] }, cnf: { jkt: key.jkt } })
    const { failed, names } = await explain(await shown({}, secret))
    expect(failed).toEqual([])
    expect(names).toEqual(expect.arrayContaining(['dpop_proof', 'binding', 'replay', 'rate_limit']))
  })
})

describe('introspection', () => {
  const introspect = async (client: typeof billing | typeof warehouse, presented: string) =>
    (await protocolPost(app.issuer, '/introspect', client, { token: presented })).body
  const bound = () => ({ active: true, token_type: 'DPoP', cnf: { jkt: key.jkt } })

  it("of a person's JWT, an opaque token, a client's, and an API key says the key", async () => {
    expect(await introspect(billing, token)).toMatchObject(bound())
    const params = { scope: 'openid read:stock', resource: STOCK }
    const opaque = await boundCodeFlow(app, app.agent(), ordersSpa, key, { params })
    expect(await introspect(warehouse, opaque.body.access_token ?? '')).toMatchObject(bound())
    const clients = await boundTokenPost(app, billing, key, {
      grant_type: 'client_credentials',
      resource: ORDERS,
    })
    expect(await introspect(billing, clients.body.access_token ?? '')).toMatchObject(bound())
    const minted = await ada.key({ scopes: { [ORDERS]: ['read:orders'] }, cnf: { jkt: key.jkt } })
    expect(await introspect(billing, minted.secret)).toMatchObject(bound())
  })

  it('of one that is bound to nothing says Bearer', async () => {
    const { body } = await protocolPost(app.issuer, '/token', billing, { grant_type: 'client_credentials' })
    const found = await introspect(billing, body.access_token ?? '')
    expect(found).toMatchObject({ active: true, token_type: 'Bearer' })
    expect(found).not.toHaveProperty('cnf')
  })
})
