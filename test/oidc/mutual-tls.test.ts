// Client certificates at the provider (RFC 8705): clients that prove who they are with a registered one, and tokens that
// are bound to the one that was shown.
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, protocolPost, redirectOf } from '../support/authorization.ts'
import { createSelfSigned, type Holder } from '../support/certificates.ts'
import { BEHIND_PROXY, certifiedCodeFlow, certifiedPost, shown } from '../support/certified.ts'
import { keyOf } from '../support/client-certificate-settings.ts'
import { askForCodes, DEVICE_GRANT, decide, enterCode, television } from '../support/devices.ts'
import { BILLING_SECRET, billing, CALLBACK, ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'

const DAY = 86_400_000
const now = Date.now()
const own = createSelfSigned({ subject: '/CN=own' })
const next = createSelfSigned({ subject: '/CN=own', keyType: 'rsa' })
const foreign = createSelfSigned({ subject: '/CN=own' })
const expired = createSelfSigned({ notBefore: new Date(now - 2 * DAY), notAfter: new Date(now - DAY) })
const early = createSelfSigned({ notBefore: new Date(now + DAY), notAfter: new Date(now + 2 * DAY) })

const CREDENTIALS = { grant_type: 'client_credentials' }

const service = (client_id: string, more: object) => ({
  client_id,
  grant_types: ['client_credentials'],
  resource_scopes: { [ORDERS]: ['read:orders'] },
  ...more,
})
const registered = (client_id: string, keys: readonly Holder[], more: object = {}) =>
  service(client_id, {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: keys.map(keyOf) },
    ...more,
  })

const BOUND = { tls_client_certificate_bound_access_tokens: true }
const bound = service('bound', { client_secret: BILLING_SECRET, ...BOUND })
const boundOpaque = service('bound-opaque', {
  client_secret: BILLING_SECRET,
  ...BOUND,
  resource_scopes: { [STOCK]: ['read:stock'] },
})
const spa = {
  client_id: 'bound-spa',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
  resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
  require_consent: false,
  ...BOUND,
}
const web = {
  ...spa,
  client_id: 'bound-web',
  client_secret: BILLING_SECRET,
  token_endpoint_auth_method: 'client_secret_basic',
}

const tv = { ...television, ...BOUND }

let app: TestApp
let keys: Server
let remote: { client_id: string }
let published = ''
beforeAll(async () => {
  keys = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(published)
  })
  await new Promise<void>(resolve => keys.listen(0, '127.0.0.1', resolve))
  const { port } = keys.address() as AddressInfo
  remote = service('remote', {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks_uri: `http://127.0.0.1:${port}/jwks`,
  })
  app = await startApp(
    { ...BEHIND_PROXY, OUTBOUND_ALLOW: '127.0.0.1/32' },
    {
      ...ordersFile,
      clients: [
        ...ordersFile.clients,
        registered('own', [own, next]),
        registered('another', [foreign]),
        registered('out-of-time', [expired, early]),
        registered('refused-once', [own]),
        bound,
        boundOpaque,
        spa,
        web,
        tv,
      ],
    },
  )
})
afterAll(async () => {
  await new Promise(resolve => keys?.close(resolve))
  await app?.close()
})

const client = (client_id: string) => ({ client_id })
const outcome = ({ status, body }: { status: number; body: Record<string, unknown> }) => [
  status,
  body.error ?? body.token_type,
]

describe('a client with registered certificates', () => {
  test.each([
    ['the first', own],
    ['the next', next],
  ])('proves who it is with %s', async (_which, holder) => {
    const { status, body } = await certifiedPost(app, holder, client('own'), CREDENTIALS)
    expect([status, body.token_type]).toEqual([200, 'Bearer'])
    // Not bound: it did not ask for that.
    expect(decodeJwt(body.access_token ?? '')).not.toHaveProperty('cnf')
  })

  test.each<[string, string, Holder | undefined]>([
    ['no certificate', 'own', undefined],
    ['one of the same name that nobody registered', 'own', foreign],
    ["another client's", 'another', own],
    ['one that has expired', 'out-of-time', expired],
    ['one that is not valid yet', 'out-of-time', early],
    ['a certificate for a client that is not there', 'nobody', own],
  ])('is refused with %s, and the answer is always the same', async (_what, id, holder) => {
    const refused = await certifiedPost(app, holder, client(id), CREDENTIALS)
    expect([refused.status, refused.body]).toEqual([
      401,
      { error: 'invalid_client', error_description: 'client authentication failed' },
    ])
  })

  test('is not let in by a secret, nor is one with a secret by a certificate', async () => {
    const withSecret = { client_id: 'own', client_secret: BILLING_SECRET }
    expect(outcome(await certifiedPost(app, own, withSecret, CREDENTIALS))).toEqual([401, 'invalid_client'])
    expect(outcome(await certifiedPost(app, own, client('billing'), CREDENTIALS))).toEqual([
      401,
      'invalid_client',
    ])
  })

  test('proves it at every endpoint for clients', async () => {
    for (const [path, params] of [
      ['/introspect', { token: 'x' }],
      ['/revoke', { token: 'x' }],
    ] as const) {
      const good = await certifiedPost(app, own, client('own'), params, path)
      expect([path, good.status]).toEqual([path, 200])
      const bad = await certifiedPost(app, foreign, client('own'), params, path)
      expect([path, ...outcome(bad)]).toEqual([path, 401, 'invalid_client'])
    }
  })

  test('may have them at an address', async () => {
    published = JSON.stringify({ keys: [keyOf(own)] })
    await app.apply({ clients: [remote] })
    expect(outcome(await certifiedPost(app, own, client('remote'), CREDENTIALS))).toEqual([200, 'Bearer'])
    expect(outcome(await certifiedPost(app, foreign, client('remote'), CREDENTIALS))).toEqual([
      401,
      'invalid_client',
    ])
  })

  test('is written down when it is refused, with the reason, as nobody', async () => {
    await certifiedPost(app, foreign, client('refused-once'), CREDENTIALS)
    await until('the audit has it', async () => {
      const rows = await app.db
        .selectFrom('audit_event')
        .select(['type', 'actor_type', 'detail'])
        .where('client_id', '=', 'refused-once')
        .where('outcome', '=', 'refused')
        .execute()
      if (rows.length === 0) return false
      const detail = { error: 'invalid_client', reason: 'unregistered client certificate provided' }
      expect(rows).toEqual([{ type: 'token', actor_type: 'anonymous', detail }])
      return true
    })
  })

  test.each([
    ['x5c that is no list', { x5c: 'x' }, 'invalid_client_metadata'],
    ['numbers', { x5c: [1] }, 'invalid_client_metadata'],
    ['nothing in it', { x5c: [] }, 'invalid_client'],
    ['null', { x5c: null }, 'invalid_client_metadata'],
    ['no certificate', { x5c: ['AAAA'] }, 'invalid_client'],
    ['a line that no base64 has', { x5c: ['\u0000'] }, 'invalid_client'],
  ])('an address that gives %s lets nobody in', async (_what, spoilt, error) => {
    published = JSON.stringify({ keys: [{ ...keyOf(foreign), ...spoilt }] })
    const id = `remote-${randomUUID()}`
    await app.apply({ clients: [{ ...remote, client_id: id }] })
    const refused = await certifiedPost(app, foreign, client(id), CREDENTIALS)
    expect(outcome(refused)).toEqual([error === 'invalid_client' ? 401 : 400, error])
  })
})

describe('a token that is bound to the certificate', () => {
  const introspected = async (token = '') =>
    (await protocolPost(app.issuer, '/introspect', billing, { token })).body as Record<string, unknown>

  test.each([
    ['a JWT', bound, ORDERS],
    ['an opaque one', boundOpaque, STOCK],
  ])('%s of client credentials says so at introspection', async (_format, one) => {
    const { body } = await certifiedPost(app, own, one, CREDENTIALS)
    const cnf = { 'x5t#S256': own.thumbprint }
    const seen = (await protocolPost(app.issuer, '/introspect', one, { token: body.access_token ?? '' })).body
    expect(seen).toMatchObject({ active: true, token_type: 'Bearer', cnf })
    if (one === bound) {
      expect(decodeJwt(body.access_token ?? '').cnf).toEqual(cnf)
      expect(await introspected(body.access_token)).toMatchObject({ active: true, cnf })
    }
  })

  test.each<[string, Holder | undefined]>([
    ['without one', undefined],
    ['with one that has expired', expired],
    ['with one that is not valid yet', early],
  ])('is not issued %s', async (_what, holder) => {
    expect(outcome(await certifiedPost(app, holder, bound, CREDENTIALS))).toEqual([400, 'invalid_grant'])
  })

  test('is not issued for a client that did not ask for it', async () => {
    const { body } = await certifiedPost(app, own, billing, CREDENTIALS)
    expect(decodeJwt(body.access_token ?? '')).not.toHaveProperty('cnf')
  })

  test.each([
    ['opaque', { resource: STOCK, scope: 'openid read:stock' }],
    ['JWT', { resource: ORDERS, scope: 'openid read:orders' }],
    ['for userinfo only', { scope: 'openid profile' }],
  ])('opens userinfo with that certificate only (%s)', async (_format, params) => {
    const { body } = await certifiedCodeFlow(app, own, spa, params)
    const ask = (holder: Holder | undefined, scheme = 'Bearer') =>
      fetch(`${app.issuer}/userinfo`, {
        headers: { authorization: `${scheme} ${body.access_token}`, ...shown(holder) },
      })
    expect(await (await ask(own)).json()).toHaveProperty('sub')
    for (const holder of [undefined, foreign, next, expired]) {
      const refused = await ask(holder)
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/)
    }
    expect((await ask(own, 'DPoP')).status).toBe(400)
  })

  test('a code that was sent without the certificate is still good with it', async () => {
    const agent = app.agent()
    const { url, verifier } = authorizationRequest(app.issuer, web, {})
    const redirect = redirectOf(await answer(agent, await agent.get(url)))
    const exchange = {
      grant_type: 'authorization_code',
      code: redirect.get('code') ?? '',
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    }
    expect(outcome(await certifiedPost(app, undefined, web, exchange))).toEqual([400, 'invalid_grant'])
    expect(outcome(await certifiedPost(app, own, web, exchange))).toEqual([200, 'Bearer'])
  })

  test('is what a device gets, too', async () => {
    const codes = await askForCodes(app.issuer, tv)
    const ada = app.agent()
    await decide(ada, await enterCode(ada, codes.user_code), 'allow')
    const polled = { grant_type: DEVICE_GRANT, device_code: codes.device_code }
    expect(outcome(await certifiedPost(app, undefined, tv, polled))).toEqual([400, 'invalid_grant'])
    const { body } = await certifiedPost(app, own, tv, polled)
    expect(decodeJwt(body.access_token ?? '').cnf).toEqual({ 'x5t#S256': own.thumbprint })
  })

  test("a public client's refresh token works with the same certificate only, time and again", async () => {
    const params = { resource: STOCK, scope: 'openid read:stock' }
    const { body } = await certifiedCodeFlow(app, own, spa, params)
    const refresh = (token = '') => ({ grant_type: 'refresh_token', refresh_token: token })
    for (const holder of [undefined, foreign, expired])
      expect(outcome(await certifiedPost(app, holder, spa, refresh(body.refresh_token)))).toEqual([
        400,
        'invalid_grant',
      ])
    const renewed = await certifiedPost(app, own, spa, refresh(body.refresh_token))
    expect(outcome(renewed)).toEqual([200, 'Bearer'])
    const other = await certifiedPost(app, foreign, spa, refresh(renewed.body.refresh_token))
    expect(outcome(other)).toEqual([400, 'invalid_grant'])
    expect(outcome(await certifiedPost(app, own, spa, refresh(renewed.body.refresh_token)))).toEqual([
      200,
      'Bearer',
    ])
  })

  test('a confidential client binds what it refreshes to the certificate of now', async () => {
    const { body } = await certifiedCodeFlow(app, own, web, { resource: ORDERS, scope: 'openid read:orders' })
    const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' }
    expect(outcome(await certifiedPost(app, undefined, web, refresh))).toEqual([400, 'invalid_grant'])
    const renewed = await certifiedPost(app, next, web, refresh)
    expect(decodeJwt(renewed.body.access_token ?? '').cnf).toEqual({ 'x5t#S256': next.thumbprint })
  })

  test('not to a key as well', async () => {
    await expect(
      app.apply({ clients: [{ ...bound, dpop_bound_access_tokens: true }] }),
    ).rejects.toMatchObject({
      mistakes: [expect.objectContaining({ message: expect.stringMatching(/together/) })],
    })
  })
})

describe('what this server says of it', () => {
  const discovered = async (issuer: string) =>
    (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<string, unknown>

  test('methods that can succeed, and that tokens are bound', async () => {
    const said = await discovered(app.issuer)
    expect(said.tls_client_certificate_bound_access_tokens).toBe(true)
    expect(said.token_endpoint_auth_methods_supported).toContain('self_signed_tls_client_auth')
    // There is no authority whose certificates it would take.
    expect(said.token_endpoint_auth_methods_supported).not.toContain('tls_client_auth')
    // Nor another address to go to.
    expect(said).not.toHaveProperty('mtls_endpoint_aliases')
  })
})
