// Forward-auth: which request a proxy asks about, and which API that belongs to. Said in any other way, it is refused.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decodeJwt } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { type AskedBy, askForwardAuth, DIALECTS, type Original, toldBy } from '../support/forward-auth.ts'
import { allKnow, bearer, makeKey } from '../support/minted.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'

const ADDRESS = `${ORDERS}/orders/7?page=2`

let app: TestApp
let key: string
beforeAll(async () => {
  app = await startApp({ TRUSTED_PROXIES: '127.0.0.1' }, ordersFile)
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

it('whatever a proxy says is answered', async () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom(...'/.;:%2fF?#[]@,\\"\u00fc \t') }),
    fc.webUrl(),
  )
  const header = value.map(text => text.replace(/[^\t\x20-\x7e\xa0-\xff]/g, ''))
  const names = fc.constantFrom(
    ...['X-Original-Method', 'X-Original-Host', 'X-Original-URI', 'X-Forwarded-Method', 'X-Forwarded-Host'],
    ...[
      'X-Forwarded-Uri',
      'X-Forwarded-Proto',
      'X-Forwarded-For',
      'Accept',
      'Cookie',
      'Sec-Fetch-Mode',
      'Origin',
    ],
  )
  const said = fc.dictionary(names, fc.oneof(header, fc.array(header, { minLength: 2, maxLength: 2 })), {
    maxKeys: 4,
  })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...DIALECTS), said, async (dialect, proxy) => {
      const { status, headers } = await ask({ dialect, proxy: { ...proxy } })
      expect([200, 303, 400, 401, 403]).toContain(status)
      expect(headers['x-auth-identity'] !== undefined).toBe(status === 200)
    }),
    { numRuns: 150 },
  )
})

describe('the API that an address belongs to', () => {
  const LONGER = `${ORDERS}/internal/orders`
  beforeAll(() =>
    apply({
      resources: [
        { identifier: LONGER, name: 'Internal', scopes: { 'read:all': { description: 'Read all' } } },
        {
          identifier: 'https://pages.example.com/b%C3%BCcher',
          name: 'Books',
          scopes: { a: { description: 'A' } },
        },
        { identifier: 'urn:example:queue', name: 'Queue', scopes: { a: { description: 'A' } } },
      ],
    }),
  )
  const found = async (url: string) => {
    const answer = await ask({ dialect: 'caddy' }, { url })
    const { code } = toldBy('caddy', answer)
    return answer.status === 200 ? decodeJwt(String(answer.headers['x-auth-identity'])).aud : code
  }

  it.each([
    ['/', ORDERS],
    ['/internal', ORDERS],
    ['/internal/orders2', ORDERS],
    ['/internal/orders', 'wrong_audience'],
    ['/internal/orders/', 'wrong_audience'],
    ['/internal/orders/7?x=/..', 'wrong_audience'],
    ['/%69nternal/orders/7', 'wrong_audience'],
    // Two readers could see two APIs: none is chosen.
    ['//internal/orders', 'access_denied'],
    ['/internal;a=b/orders', 'access_denied'],
    ['/internal%2Forders', 'access_denied'],
    ['/internal%5corders', 'access_denied'],
    ['/a/../internal/orders', 'invalid_request'],
    ['/a/%2e%2E/internal/orders', 'invalid_request'],
    ['/a/.', 'invalid_request'],
  ])('at %s', async (path, expected) => {
    expect(await found(`${ORDERS}${path}`)).toBe(expected)
  })

  it('is none at another host, port or scheme', async () => {
    expect(await found('https://api.example.com.evil.example/')).toBe('access_denied')
    expect(await found('https://api.example.com:8443/')).toBe('access_denied')
    expect(await found('https://stock.example.com/')).toBe('wrong_audience')
    expect(await found('https://pages.example.com/b%c3%bccher/1')).toBe('wrong_audience')
    expect(await found('https://pages.example.com/b')).toBe('access_denied')
  })

  it('is known as soon as it is registered', async () => {
    expect(await found('https://new.example.com/')).toBe('access_denied')
    await apply({
      resources: [
        { identifier: 'https://new.example.com', name: 'New', scopes: { a: { description: 'A' } } },
      ],
    })
    expect(await found('https://new.example.com/')).toBe('wrong_audience')
  })
})

describe('what the proxy says of the original request', () => {
  const same = ['192.0.2.1', '192.0.2.1']
  it.each<[string, AskedBy]>([
    ['no method', { dialect: 'nginx', proxy: { 'X-Original-Method': undefined } }],
    ['no host', { dialect: 'nginx', proxy: { 'X-Original-Host': undefined } }],
    ['no address', { dialect: 'nginx', proxy: { 'X-Original-URI': undefined } }],
    ['another dialect', { dialect: 'nginx', path: '/v1/forward-auth/caddy' }],
    ['two methods', { dialect: 'caddy', proxy: { 'X-Forwarded-Method': ['GET', 'POST'] } }],
    ['two hosts', { dialect: 'traefik', proxy: { 'X-Forwarded-Host': ['a.example', 'b.example'] } }],
    ['two hosts in one', { dialect: 'traefik', proxy: { 'X-Forwarded-Host': 'a.example, b.example' } }],
    ['two addresses', { dialect: 'caddy', proxy: { 'X-Forwarded-Uri': ['/a', '/b'] } }],
    ['two schemes', { dialect: 'caddy', proxy: { 'X-Forwarded-Proto': ['https', 'https'] } }],
    ['two schemes in one', { dialect: 'envoy', proxy: { 'X-Forwarded-Proto': 'https,https' } }],
    ['another scheme', { dialect: 'caddy', proxy: { 'X-Forwarded-Proto': 'file' } }],
    ['a scheme of every object', { dialect: 'caddy', proxy: { 'X-Forwarded-Proto': 'constructor' } }],
    ['a method that is none', { dialect: 'caddy', proxy: { 'X-Forwarded-Method': 'GET /' } }],
    ['a host with a path', { dialect: 'caddy', proxy: { 'X-Forwarded-Host': 'api.example.com/x' } }],
    ['a host with a user', { dialect: 'caddy', proxy: { 'X-Forwarded-Host': 'x@api.example.com' } }],
    ['a host with another spelling', { dialect: 'caddy', proxy: { 'X-Forwarded-Host': '0x7f.1' } }],
    ['a port that is none', { dialect: 'caddy', proxy: { 'X-Forwarded-Host': 'api.example.com:99999' } }],
    ['an absolute address', { dialect: 'nginx', proxy: { 'X-Original-URI': 'https://a.example/' } }],
    ['a fragment', { dialect: 'nginx', proxy: { 'X-Original-URI': '/a#b' } }],
    ['a turned slash', { dialect: 'nginx', proxy: { 'X-Original-URI': '/a\\b' } }],
    ['a space', { dialect: 'nginx', proxy: { 'X-Original-URI': '/a b' } }],
    ['a byte above ASCII', { dialect: 'nginx', proxy: { 'X-Original-URI': '/\u00fc' } }],
    ['bad percent-encoding', { dialect: 'nginx', proxy: { 'X-Original-URI': '/%zz' } }],
    ['U+0000', { dialect: 'nginx', proxy: { 'X-Original-URI': '/%00' } }],
  ])('%s is refused', async (_name, by) => {
    const asNginx = by.dialect === 'nginx' && by.path === undefined
    const answer = await ask(by)
    expect(toldBy(asNginx ? 'nginx' : 'caddy', answer)).toMatchObject({
      status: 400,
      code: 'invalid_request',
    })
    if (asNginx) expect(answer.status).toBe(403)
    expect(answer.headers['x-auth-identity']).toBeUndefined()
  })

  it('may be without a scheme: it is then the one of the issuer', async () => {
    const proxy = { 'X-Forwarded-Proto': undefined }
    const setup = { resource: ORDERS }
    expect((await ask({ dialect: 'nginx', setup, proxy })).status).toBe(200)
  })

  it('is read in its own dialect alone', async () => {
    const forged = {
      'x-original-uri': '/forged',
      'x-original-host': 'forged.example',
      'x-original-method': 'HEAD',
      'x-rewrite-url': '/forged',
      forwarded: 'for=192.0.2.1;host=forged.example;proto=http',
      'x-forwarded-for': same,
    }
    const { headers } = await ask({ dialect: 'caddy' }, { headers: { ...bearer(key), ...forged } })
    const { host, path, method } = decodeJwt(String(headers['x-auth-identity']))
    expect({ host, path, method }).toEqual({ host: 'api.example.com', path: '/orders/7', method: 'GET' })
  })

  it("Envoy's query is the client's: nothing is set up in it", async () => {
    const url = `${ORDERS}/orders?resource=${encodeURIComponent(STOCK)}&scope=admin:orders&resource=x`
    const { status, headers } = await ask({ dialect: 'envoy' }, { url })
    expect([status, decodeJwt(String(headers['x-auth-identity'])).aud]).toEqual([200, ORDERS])
    const path = await ask({ dialect: 'envoy' }, { url: `${ORDERS}/;resource=${encodeURIComponent(STOCK)}` })
    expect(toldBy('envoy', path)).toMatchObject({ status: 403, code: 'access_denied' })
  })

  it.each([
    '/v1/forward-auth/',
    '/v1/forward-auth/apache',
    '/v1/forward-auth/caddy/x',
    '/v1/forward-auth/caddy;a=b',
  ])('there is nothing at %s', async path => {
    expect((await ask({ dialect: 'caddy', path })).status).toBe(404)
  })
})
