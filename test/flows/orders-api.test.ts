// The example API with every kind of credential: what it lets in, and that a refusal is Latchkey's own answer.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Answer, ask } from '../http/ground.ts'
import { basic } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { boundTokenPost, nonceOf, showBound } from '../support/bound-tokens.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { makePersonalToken } from '../support/minted.ts'
import { billing, ORDERS, ordersFile, reports, STOCK } from '../support/orders.ts'
import { type OrdersApi, startOrdersApi } from '../support/orders-api.ts'

/** The server of the stock API, whose access tokens are opaque. */
const warehouse = {
  client_id: 'warehouse',
  client_secret: 'warehouse-secret-for-tests-only-0123456789',
  grant_types: ['client_credentials'],
  introspect: [STOCK],
  resource_scopes: { [STOCK]: ['read:orders'] },
}

const [orders, stock] = ordersFile.resources
const file = {
  ...ordersFile,
  resources: [orders, { ...stock, scopes: { 'read:orders': { description: 'See orders of stock' } } }],
  clients: [
    ...ordersFile.clients.map(client =>
      client === reports ? { ...client, resource_scopes: { [ORDERS]: ['read:orders'] } } : client,
    ),
    warehouse,
  ].filter(({ client_id }) => client_id !== 'orders-spa'),
}

let app: TestApp
let api: OrdersApi
let stockApi: OrdersApi
beforeAll(async () => {
  app = await startApp({}, file)
  api = await startOrdersApi({ issuer: app.issuer })
  stockApi = await startOrdersApi({ issuer: app.issuer, resource: STOCK, client: warehouse })
})
afterAll(async () => {
  await api?.close()
  await stockApi?.close()
  await app?.close()
})

async function token(client: typeof warehouse | typeof billing, resource: string): Promise<string> {
  const params = { grant_type: 'client_credentials', resource }
  const { status, body } = await protocolPost(app.issuer, '/token', client, params)
  if (status !== 200) throw new Error(`no token but ${JSON.stringify(body)}`)
  return body.access_token ?? ''
}

const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` })

/** All of an answer that its request does not make unique. */
const comparable = ({ status, headers, json }: Answer) => {
  const { request_id: _, ...body } = json()
  const { 'content-type': type, 'cache-control': caching, 'www-authenticate': challenge } = headers
  return { status, type, caching, challenge, body }
}

describe('let in', () => {
  test('a JWT, for the scopes it has', async () => {
    const headers = bearer(await token(billing, ORDERS))
    const read = await api.read(headers)
    expect([read.status, read.json().caller]).toEqual([
      200,
      expect.objectContaining({
        kind: 'access-token',
        subject: { type: 'client', id: 'billing' },
        resource: ORDERS,
        scopes: ['read:orders', 'write:orders'],
      }),
    ])
    const written = await api.write(headers)
    expect([written.status, written.json()]).toEqual([
      201,
      { id: 2, item: 'An analytical engine', by: 'billing' },
    ])
  })

  test('an opaque token', async () => {
    const read = await stockApi.read(bearer(await token(warehouse, STOCK)))
    expect([read.status, read.json().caller]).toEqual([
      200,
      expect.objectContaining({ kind: 'access-token', clientId: 'warehouse', scopes: ['read:orders'] }),
    ])
  })
})

describe('let in by Basic', () => {
  test('a client with its secret', async () => {
    const read = await api.read({ authorization: basic(billing.client_id, billing.client_secret ?? '') })
    expect([read.status, read.json().caller]).toEqual([
      200,
      expect.objectContaining({
        kind: 'client-secret',
        clientId: 'billing',
        organization: 'acme',
        scopes: ['read:orders', 'write:orders'],
      }),
    ])
    const wrong = await api.read({ authorization: basic(billing.client_id, 'wrong') })
    expect([wrong.status, wrong.json().code]).toEqual([401, 'invalid_token'])
  })

  test('a person with a token as the password', async () => {
    const { token: made, secret } = await makePersonalToken(app)
    const read = await api.read({ authorization: basic('ada', secret) })
    expect([read.status, read.json().caller]).toEqual([
      200,
      expect.objectContaining({ kind: 'personal-access-token', credentialId: made.id }),
    ])
  })
})

describe('refused, in the words that Latchkey has for it', () => {
  const self = (headers: Record<string, string>) =>
    ask({ issuer: app.issuer, port: app.config.port }, { path: '/v1/credentials/self', headers })

  test.each([
    ['nothing presented', {}, 401, 'unauthenticated'],
    ['a JWT of nobody', bearer('eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl'), 401, 'invalid_token'],
    ['an unknown text', bearer('nobody-knows-this-one'), 401, 'invalid_token'],
    ['a cookie alone', { cookie: 'session=one; session.sig=two' }, 401, 'unauthenticated'],
  ])('%s', async (_, headers: Record<string, string>, status, code) => {
    const refused = comparable(await api.read(headers))
    expect(refused).toMatchObject({ status, body: { code } })
    expect(refused).toEqual(comparable(await self(headers)))
  })

  test('a JWT without the scope', async () => {
    const headers = bearer(await token(reports as unknown as typeof billing, ORDERS))
    expect((await api.read(headers)).status).toBe(200)
    const refused = await api.write(headers)
    expect(comparable(refused)).toMatchObject({
      status: 403,
      challenge: `Bearer realm="${app.issuer}", error="insufficient_scope", scope="write:orders"`,
      body: { code: 'insufficient_scope' },
    })
  })

  test('a JWT for another resource', async () => {
    const refused = await stockApi.read(bearer(await token(billing, ORDERS)))
    expect([refused.status, refused.json().code]).toEqual([403, 'wrong_audience'])
  })

  test('two credentials, and one in the address, also when a JWT is among them', async () => {
    const jwt = await token(billing, ORDERS)
    const both = await api.read({ ...bearer(jwt), 'x-api-key': 'nobody-knows-this-one' })
    expect([both.status, both.json().code]).toEqual([400, 'ambiguous_credentials'])
    for (const path of [`/orders?access_token=${jwt}`, `/orders?a=b&access_tok%65n=${jwt}`]) {
      const inAddress = await api.ask({ path, headers: bearer(jwt) })
      expect([inAddress.status, inAddress.json().code]).toEqual([400, 'invalid_request'])
    }
  })
})

describe('bound to a key (DPoP)', () => {
  let key: ProofKey
  beforeAll(async () => {
    key = await proofKey()
  })

  const boundToken = async (client: typeof warehouse | typeof billing, resource: string) => {
    const { body } = await boundTokenPost(app, client, key, { grant_type: 'client_credentials', resource })
    return body.access_token ?? ''
  }
  const shown = (server: OrdersApi, bound: string, change: Parameters<typeof showBound>[3] = {}) =>
    showBound(app, key, bound, { url: `${server.origin}/orders`, nonce: undefined, ...change })

  test('a JWT is judged here, with each proof once', async () => {
    const jwt = await boundToken(billing, ORDERS)
    const headers = await shown(api, jwt)
    expect((await api.read(headers)).json().caller).toMatchObject({ kind: 'access-token', resource: ORDERS })
    const again = await api.read(headers)
    expect([again.status, again.json().code]).toEqual([401, 'invalid_dpop_proof'])
    expect((await api.write(await shown(api, jwt, { method: 'POST' }))).status).toBe(201)
  })

  test('a proof that is too old for here, with a nonce: Latchkey judges it, once', async () => {
    const jwt = await boundToken(billing, ORDERS)
    const iat = Math.floor(Date.now() / 1000) - 90
    const headers = await shown(api, jwt, { nonce: nonceOf(app), claims: { iat } })
    expect((await api.read(headers)).json().caller).toMatchObject({ cnf: { jkt: key.jkt } })
    expect((await api.read(headers)).status).toBe(401)
  })

  test('an opaque token: Latchkey asks for its nonce through the API', async () => {
    const opaque = await boundToken(warehouse, STOCK)
    const refused = await stockApi.read(await shown(stockApi, opaque))
    expect([refused.status, refused.json().code]).toEqual([401, 'use_dpop_nonce'])
    const nonce = String(refused.headers['dpop-nonce'])
    const headers = await shown(stockApi, opaque, { nonce })
    expect((await stockApi.read(headers)).json().caller).toMatchObject({ clientId: 'warehouse' })
    expect((await stockApi.read(headers)).json().code).toBe('invalid_dpop_proof')
  })

  test('not with what is wrong', async () => {
    const jwt = await boundToken(billing, ORDERS)
    const other = await proofKey()
    const free = await token(billing, ORDERS)
    const url = `${api.origin}/orders`
    for (const [headers, code] of [
      [bearer(jwt), 'invalid_token'],
      [{ ...(await shown(api, jwt)), ...bearer(jwt) }, 'invalid_token'],
      [await showBound(app, other, jwt, { url }), 'invalid_token'],
      [await shown(api, free, { nonce: nonceOf(app) }), 'invalid_token'],
      [await shown(api, jwt, { method: 'POST' }), 'invalid_dpop_proof'],
      [await shown(api, jwt, { url: `${ORDERS}/orders` }), 'invalid_dpop_proof'],
      [await shown(api, jwt, { token: free }), 'invalid_dpop_proof'],
      [{ authorization: `DPoP ${jwt}` }, 'invalid_dpop_proof'],
      [await shown(api, jwt, { claims: { iat: 1 } }), 'use_dpop_nonce'],
    ] as const) {
      const refused = await api.read({ ...headers })
      expect([refused.status, refused.json().code]).toEqual([401, code])
    }
  })
})

describe('the API itself', () => {
  test('has no other routes, and wants an order with an item', async () => {
    const headers = bearer(await token(billing, ORDERS))
    expect((await api.ask({ path: '/other', headers })).status).toBe(404)
    expect((await api.ask({ method: 'DELETE', path: '/orders', headers })).status).toBe(404)
    for (const body of ['', 'null', '[]', '{"item":""}', '{'])
      expect((await api.ask({ method: 'POST', path: '/orders', headers, body })).status).toBe(400)
  })
})

describe('without Latchkey', () => {
  test('503 for whatever has to be asked, a pass for nobody but JWTs it can judge', async () => {
    const other = await startApp({}, file)
    const alone = await startOrdersApi({ issuer: other.issuer })
    const { body } = await protocolPost(other.issuer, '/token', billing, {
      grant_type: 'client_credentials',
      resource: ORDERS,
    })
    const jwt = bearer(body.access_token ?? '')
    expect((await alone.read(jwt)).status).toBe(200)
    await other.close()
    expect((await alone.read(jwt)).status).toBe(200)
    for (const headers of [{}, bearer('nobody-knows-this-one'), { 'x-api-key': 'nobody-knows-this-one' }]) {
      const answer = await alone.read(headers)
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1'])
    }
    expect((await alone.close()).stderr).not.toContain('nobody-knows-this-one')
  })

  test('503 also from the very beginning', async () => {
    const nowhere = await startOrdersApi({ issuer: 'http://127.0.0.1:1' })
    for (const headers of [{}, bearer('eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl')])
      expect((await nowhere.read(headers)).status).toBe(503)
    await nowhere.close()
  })
})
