// POST /v1/verify: who may ask, what may be asked, and that the caller is never taken for what it asks about.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { askSelf } from '../credentials/kind.contract.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { billing, ORDERS, ordersWeb, STOCK } from '../support/orders.ts'
import { askApp, askVerify, doorsFile, relayed, resultOf, verifierToken, warehouse } from './doors.ts'

let app: TestApp
let caller: string
let adas: string
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  caller = await verifierToken(app)
  const params = { scope: 'openid read:orders' }
  adas = (await codeFlow(app.issuer, app.agent(), ordersWeb, { params })).token.body.access_token ?? ''
})
afterAll(() => app.close())

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const asRequest = (headers: [string, string][], more: object = {}) => ({
  request: { method: 'GET', url: 'https://api.example.com/orders?page=2', headers, ...more },
})

describe('an answer', () => {
  it.each([
    ['a credential', () => ({ credential: adas })],
    ['a request', () => asRequest([['authorization', `bearer ${adas}`]])],
    [
      'a request with a path only',
      () => asRequest([['AUTHORIZATION', `Bearer ${adas}`]], { url: '/orders' }),
    ],
  ])('allowed, for %s: who it is', async (_name, asked) => {
    const answer = await askVerify(app, caller, { ...asked(), resource: ORDERS, scopes: ['read:orders'] })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(resultOf(answer)).toEqual({
      allowed: true,
      identity: (await askSelf(app, bearer(adas))).json(),
    })
  })

  it('refused: 200 with the whole answer to relay', async () => {
    const answer = await askVerify(app, caller, { credential: 'nobody', resource: ORDERS })
    expect(answer.status).toBe(200)
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(answer.json()).toEqual({
      allowed: false,
      response: {
        status: 401,
        headers: [
          ['Content-Type', 'application/problem+json'],
          ['Cache-Control', 'no-store'],
          ['WWW-Authenticate', `Bearer realm="${app.issuer}", error="invalid_token"`],
        ],
        body: {
          type: 'about:blank',
          title: 'Unauthorized',
          status: 401,
          detail: 'The credential is not valid.',
          code: 'invalid_token',
          request_id: answer.headers['x-request-id'],
        },
      },
    })
  })

  it('says what is needed in the challenge, and nothing about why a credential is bad', async () => {
    const scopes = ['read:orders', 'admin:orders']
    const result = resultOf(await askVerify(app, caller, { credential: adas, resource: ORDERS, scopes }))
    expect(relayed(result)).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
      challenge: `Bearer realm="${app.issuer}", error="insufficient_scope", scope="read:orders admin:orders"`,
    })
  })
})

describe('the caller', () => {
  it('is not what it asks about', async () => {
    const about = { request: { method: 'GET', url: '/', headers: [] }, resource: ORDERS }
    expect(relayed(resultOf(await askVerify(app, caller, about)))).toMatchObject({
      status: 401,
      code: 'unauthenticated',
    })
    const own = resultOf(await askVerify(app, caller, { credential: caller, resource: ORDERS }))
    expect(relayed(own)).toMatchObject({ status: 403, code: 'wrong_audience' })
  })

  it('needs a credential, whatever it asks about', async () => {
    const answer = await askVerify(app, {}, { credential: adas, resource: ORDERS })
    expect([answer.status, answer.json().code]).toEqual([401, 'unauthenticated'])
  })

  it('needs the scope', async () => {
    const answer = await askVerify(app, adas, { credential: adas, resource: ORDERS })
    expect([answer.status, answer.json().code]).toEqual([403, 'wrong_audience'])
    const { body } = await protocolPost(
      app.issuer,
      '/token',
      { ...billing, client_id: 'reports', client_secret: 'reports-secret-for-tests-only-0123456789ab' },
      {
        grant_type: 'client_credentials',
        resource: `${app.issuer}/v1`,
        scope: 'verify',
      },
    )
    expect(body.error).toBeDefined()
  })

  it('that is the server of some resources may ask about those only', async () => {
    for (const [client, resource, status] of [
      [billing, ORDERS, 200],
      [billing, STOCK, 403],
      [billing, `${app.issuer}/v1`, 403],
      [warehouse, STOCK, 200],
      [warehouse, ORDERS, 403],
    ] as const) {
      const token = await verifierToken(app, client)
      const answer = await askVerify(app, token, { credential: 'nobody', resource })
      expect([client.client_id, resource, answer.status]).toEqual([client.client_id, resource, status])
    }
  })

  it('with the scope in its ceiling may ask about every resource', async () => {
    const gateway = { client_id: 'gateway', client_secret: 'gateway-secret-for-tests-only-0123456789ab' }
    const own = `${app.issuer}/v1`
    await app.apply({
      clients: [{ ...gateway, grant_types: ['client_credentials'], resource_scopes: { [own]: ['verify'] } }],
    })
    const token = await verifierToken(app, gateway)
    for (const resource of [ORDERS, STOCK, own])
      expect((await askVerify(app, token, { credential: 'nobody', resource })).status).toBe(200)
    const answer = await askVerify(app, token, { credential: 'nobody', resource: 'https://nowhere.example' })
    expect([answer.status, answer.json().errors]).toEqual([
      400,
      [{ path: 'resource', message: 'is not a resource of this server' }],
    ])
  })
})

describe('what may be asked', () => {
  const good = { credential: 'x', resource: ORDERS }
  it.each<[string, object | string, string[]]>([
    ['nothing', {}, ['resource']],
    ['no credential', { resource: ORDERS }, ['credential']],
    ['both', { ...good, ...asRequest([]) }, ['request']],
    ['another key', { ...good, scope: [] }, ['scope']],
    ['a credential that is no text', { ...good, credential: 7 }, ['credential']],
    ['a scope that is no text', { ...good, scopes: ['a', 7] }, ['scopes[1]']],
    [
      'a request without anything',
      { resource: ORDERS, request: {} },
      ['request.method', 'request.url', 'request.headers'],
    ],
    [
      'an address that is none',
      { resource: ORDERS, ...asRequest([], { client_address: '300.1.1.1' }) },
      ['request.client_address'],
    ],
    [
      'a certificate that is none',
      { resource: ORDERS, ...asRequest([], { client_certificate: 'x' }) },
      ['request.client_certificate'],
    ],
    [
      'a header with a line end',
      { resource: ORDERS, ...asRequest([['a', 'b\r\nc: d']]) },
      ['request.headers[0][1]'],
    ],
    ['a header without a name', { resource: ORDERS, ...asRequest([['', 'b']]) }, ['request.headers[0][0]']],
    [
      'a URL with a fragment',
      { resource: ORDERS, ...asRequest([], { url: 'https://a.example/#b' }) },
      ['request.url'],
    ],
    ['explain as a word', { ...good, explain: 'yes' }, ['explain']],
  ])('not %s', async (_name, body, paths) => {
    const answer = await askVerify(app, caller, body)
    const { code, errors } = answer.json() as { code: string; errors: { path: string }[] }
    expect([answer.status, code, errors.map(({ path }) => path).sort()]).toEqual([
      400,
      'validation_failed',
      paths.sort(),
    ])
  })

  it('not what is no JSON', async () => {
    const answer = await askVerify(app, caller, '{"credential":')
    expect([answer.status, answer.json().code]).toEqual([400, 'invalid_request'])
  })

  it('not by another method', async () => {
    expect((await askApp(app, { path: '/v1/verify', headers: bearer(caller) })).status).toBe(405)
  })

  it('a token in the address of the described request is refused there', async () => {
    const asked = asRequest([], { url: `https://api.example.com/?access_token=${adas}` })
    expect(relayed(resultOf(await askVerify(app, caller, { ...asked, resource: ORDERS })))).toMatchObject({
      status: 400,
      code: 'invalid_request',
    })
  })
})
