import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, type FlowClient, protocolPost, type TokenResponse } from '../support/authorization.ts'
import {
  billing,
  house,
  ORDERS,
  ordersFile,
  ordersSpa,
  ordersWeb,
  reports,
  STOCK,
} from '../support/orders.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ REFRESH_GRACE: '10m' }, ordersFile)
})
afterAll(() => app.close())

const post = (
  path: string,
  client: FlowClient | undefined,
  params: Record<string, string | readonly string[]>,
) => protocolPost(app.issuer, path, client, params)
const introspect = async (client: FlowClient, token: string | undefined, hint?: string) =>
  (await post('/introspect', client, { token: token ?? '', ...(hint && { token_type_hint: hint }) })).body
const refresh = (client: FlowClient, token: string | undefined, more: Record<string, string> = {}) =>
  post('/token', client, { grant_type: 'refresh_token', refresh_token: token ?? '', ...more })
const userinfo = (token: string | undefined) =>
  fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } })

describe('client credentials', () => {
  const ask = (client: FlowClient, more: Record<string, string | readonly string[]> = {}) =>
    post('/token', client, { grant_type: 'client_credentials', ...more })

  test('without scope: the ceiling of the one resource', async () => {
    const { status, body } = await ask(billing)
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      expires_in: 900,
      scope: 'read:orders write:orders',
      token_type: 'Bearer',
    })
  })

  test('with a scope: that one', async () => {
    expect((await ask(billing, { scope: 'read:orders' })).body.scope).toBe('read:orders')
  })

  test.each([
    ['a scope nobody knows', { scope: 'read:nothing' }, 'invalid_scope'],
    ['a scope outside the ceiling', { scope: 'admin:orders' }, 'invalid_scope'],
    ['an OpenID Connect scope', { scope: 'openid' }, 'invalid_scope'],
    ['a resource outside the ceiling', { resource: STOCK }, 'invalid_target'],
  ])('%s is refused', async (_name, more, error) => {
    const { status, body } = await ask(billing, more)
    expect([status, body.error]).toEqual([400, error])
  })

  test('with several resources the request must choose', async () => {
    expect((await ask(reports)).body.error).toBe('invalid_target')
    expect((await ask(reports, { resource: [ORDERS, STOCK] })).body.error).toBe('invalid_target')
    const { body } = await ask(reports, { resource: STOCK })
    expect(body).toMatchObject({ scope: 'read:stock', access_token: expect.stringMatching(/^[\w-]{43}$/) })
    expect(await introspect(reports, body.access_token)).toMatchObject({
      active: true,
      aud: STOCK,
      client_id: 'reports',
    })
  })

  test('a public client has none, a wrong secret and an unknown client get the same answer', async () => {
    expect((await ask(ordersSpa)).status).toBe(400)
    const wrong = await ask({ ...billing, client_secret: 'not-the-secret-but-long-enough-0123456789' })
    const unknown = await ask({
      client_id: 'nobody',
      client_secret: 'not-the-secret-but-long-enough-0123456789',
    })
    expect([wrong.status, wrong.body]).toEqual([unknown.status, unknown.body])
    expect(wrong.status).toBe(401)
    expect(wrong.body.error).toBe('invalid_client')
  })
})

describe('refresh', () => {
  let first: TokenResponse
  beforeEach(async () => {
    first = (
      await codeFlow(app.issuer, app.agent(), ordersWeb, {
        params: { scope: 'openid read:orders write:orders' },
      })
    ).token
  })

  test('rotates, and keeps resource and scopes', async () => {
    const second = await refresh(ordersWeb, first.body.refresh_token)
    expect(second.status).toBe(200)
    expect(second.body).toMatchObject({ scope: 'read:orders write:orders', id_token: expect.any(String) })
    expect(second.body.refresh_token).not.toBe(first.body.refresh_token)
    expect(await introspect(ordersWeb, second.body.access_token)).toMatchObject({ active: true, aud: ORDERS })
  })

  test('may narrow, never widen', async () => {
    const narrow = await refresh(ordersWeb, first.body.refresh_token, { scope: 'read:orders' })
    expect(narrow.body.scope).toBe('read:orders')
    const wide = await refresh(ordersWeb, narrow.body.refresh_token, { scope: 'read:orders admin:orders' })
    expect(wide.body.error).toBe('invalid_scope')
  })

  test('of another client is invalid_grant', async () => {
    expect((await refresh(house, first.body.refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(ordersWeb, first.body.refresh_token)).status).toBe(200)
  })

  test('a spent token within the grace gives the same successor; after the successor was used it ends the family', async () => {
    const second = await refresh(ordersWeb, first.body.refresh_token)
    const again = await refresh(ordersWeb, first.body.refresh_token)
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(second.body.refresh_token)
    const third = await refresh(ordersWeb, second.body.refresh_token)
    expect(third.status).toBe(200)
    expect((await refresh(ordersWeb, first.body.refresh_token)).body.error).toBe('invalid_grant')
    expect((await refresh(ordersWeb, third.body.refresh_token)).body.error).toBe('invalid_grant')
    for (const token of [first, second, third])
      expect(await introspect(ordersWeb, token.body.access_token)).toEqual({ active: false })
    const event = await app.db
      .selectFrom('audit_event')
      .select('type')
      .where('type', '=', 'refresh_reuse')
      .execute()
    expect(event.length).toBeGreaterThan(0)
  })

  test('ends with the browser session, unless offline_access was granted', async () => {
    const agent = app.agent()
    const bound = (await codeFlow(app.issuer, agent, ordersWeb, { params: { scope: 'openid read:orders' } }))
      .token
    const offline = (
      await codeFlow(app.issuer, agent, ordersWeb, {
        params: { scope: 'openid offline_access read:orders', prompt: 'consent' },
      })
    ).token
    const account = await agent.get('/account')
    await agent.submit(account, {}, { button: 'Sign out' })
    expect((await refresh(ordersWeb, bound.body.refresh_token)).body.error).toBe('invalid_grant')
    expect(await introspect(ordersWeb, bound.body.access_token)).toEqual({ active: false })
    expect((await refresh(ordersWeb, offline.body.refresh_token)).status).toBe(200)
  })
})

describe('introspection', () => {
  let token: TokenResponse
  beforeAll(async () => {
    token = (await codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope: 'openid read:orders' } }))
      .token
  })

  test('tells the client it was issued to, and the server of its audience', async () => {
    for (const client of [ordersWeb, billing])
      expect(await introspect(client, token.body.access_token)).toMatchObject({
        active: true,
        client_id: 'orders-web',
        sub: expect.any(String),
        aud: ORDERS,
        iss: app.issuer,
        scope: 'read:orders',
        token_type: 'Bearer',
        exp: expect.any(Number),
        iat: expect.any(Number),
        jti: expect.any(String),
      })
  })

  test('tells nobody else anything', async () => {
    for (const client of [house, reports])
      expect(await introspect(client, token.body.access_token)).toEqual({ active: false })
  })

  test('of a refresh token: only its client', async () => {
    expect(await introspect(ordersWeb, token.body.refresh_token)).toMatchObject({ active: true })
    expect(await introspect(billing, token.body.refresh_token)).toEqual({ active: false })
  })

  test.each([
    ['an unknown string', 'nothing'],
    ['a foreign JWT', 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2V2aWwifQ.AAAA'],
    ['an unsigned JWT', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.'],
  ])('of %s is inactive', async (_name, value) => {
    for (const hint of [undefined, 'access_token', 'refresh_token'])
      expect(await introspect(billing, value, hint)).toEqual({ active: false })
  })

  test('an ID token is not an access token', async () => {
    expect(await introspect(ordersWeb, token.body.id_token)).toEqual({ active: false })
    expect((await userinfo(token.body.id_token)).status).toBe(401)
  })

  test('needs client authentication', async () => {
    expect((await post('/introspect', undefined, { token: 'x' })).status).toBe(400)
    expect(
      (
        await post(
          '/introspect',
          { ...billing, client_secret: 'wrong-secret-wrong-secret-wrong-1' },
          { token: 'x' },
        )
      ).status,
    ).toBe(401)
  })

  test('a role that is taken away takes its scope at once', async () => {
    const { token: admin } = await codeFlow(app.issuer, app.agent(), ordersWeb, {
      params: { scope: 'openid read:orders admin:orders' },
    })
    expect((await introspect(billing, admin.body.access_token)).scope).toBe('read:orders admin:orders')
    await app.apply({
      accounts: [{ username: 'ada', email: 'ada@example.com', name: 'Ada Lovelace', roles: [] }],
    })
    expect((await introspect(billing, admin.body.access_token)).scope).toBe('read:orders')
    await app.apply({
      accounts: [
        { username: 'ada', email: 'ada@example.com', name: 'Ada Lovelace', roles: ['orders-admin'] },
      ],
    })
  })
})

describe('revocation', () => {
  const start = () =>
    codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope: 'openid read:orders' } }).then(
      ({ token }) => token.body,
    )
  const revoke = (client: FlowClient, token: string | undefined) =>
    post('/revoke', client, { token: token ?? '' })

  test('of a JWT access token ends that token only', async () => {
    const one = await start()
    expect((await userinfo(one.access_token)).status).toBe(200)
    expect((await revoke(ordersWeb, one.access_token)).status).toBe(200)
    expect(await introspect(ordersWeb, one.access_token)).toEqual({ active: false })
    expect((await userinfo(one.access_token)).status).toBe(401)
    const next = await refresh(ordersWeb, one.refresh_token)
    expect(next.status).toBe(200)
    expect(await introspect(ordersWeb, next.body.access_token)).toMatchObject({ active: true })
  })

  test('of a refresh token ends the whole grant, JWTs included', async () => {
    const one = await start()
    expect((await revoke(ordersWeb, one.refresh_token)).status).toBe(200)
    expect((await refresh(ordersWeb, one.refresh_token)).body.error).toBe('invalid_grant')
    expect(await introspect(ordersWeb, one.access_token)).toEqual({ active: false })
    expect((await userinfo(one.access_token)).status).toBe(401)
  })

  test('of client credentials, JWT and opaque', async () => {
    for (const resource of [ORDERS, STOCK]) {
      const { body } = await post('/token', reports, { grant_type: 'client_credentials', resource })
      expect(await introspect(reports, body.access_token)).toMatchObject({ active: true })
      expect((await revoke(reports, body.access_token)).status).toBe(200)
      expect(await introspect(reports, body.access_token)).toEqual({ active: false })
    }
  })

  test("another client's token and an unknown string: 200, and nothing happens", async () => {
    const one = await start()
    for (const token of [one.access_token, one.refresh_token, 'nothing', 'a.b.c'])
      expect((await revoke(billing, token)).status).toBe(200)
    expect(await introspect(ordersWeb, one.access_token)).toMatchObject({ active: true })
    expect((await refresh(ordersWeb, one.refresh_token)).status).toBe(200)
  })
})

describe('userinfo', () => {
  test.each([
    ['nothing', {}, 401, undefined],
    ['an unknown token', { authorization: 'Bearer nothing' }, 401, 'invalid_token'],
    [
      'a foreign JWT',
      { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.' },
      401,
      'invalid_token',
    ],
  ])('with %s is refused', async (_name, headers, status, error) => {
    const response = await fetch(`${app.issuer}/userinfo`, { headers: headers as Record<string, string> })
    expect(response.status).toBe(status)
    const challenge = response.headers.get('www-authenticate') ?? ''
    if (error) expect(challenge).toContain(`error="${error}"`)
  })

  test('a token of client credentials is no person', async () => {
    const { body } = await post('/token', billing, { grant_type: 'client_credentials' })
    expect([401, 403]).toContain((await userinfo(body.access_token)).status)
  })

  test('a disabled account is out at once', async () => {
    await app.apply({
      accounts: [
        {
          username: 'carl',
          email: 'carl@example.com',
          name: 'Carl',
          password: 'correct horse battery staple',
        },
      ],
    })
    const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, {
      params: { scope: 'openid read:orders' },
      person: { username: 'carl' },
    })
    expect((await userinfo(token.body.access_token)).status).toBe(200)
    await app.db
      .updateTable('account')
      .set({ disabled_at: new Date() })
      .where('username', '=', 'carl')
      .execute()
    expect((await userinfo(token.body.access_token)).status).toBe(401)
    expect(await introspect(billing, token.body.access_token)).toEqual({ active: false })
    expect((await refresh(ordersWeb, token.body.refresh_token)).body.error).toBe('invalid_grant')
  })
})
