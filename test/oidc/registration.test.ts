// RFC 7591: applications that register themselves, with the initial access tokens of the declarative file.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import {
  BARE_TOKEN,
  EXPIRED_TOKEN,
  INITIAL_ACCESS_TOKENS,
  INITIAL_TOKEN,
  REDIRECT_URI,
  register,
  send,
} from '../support/registration.ts'

const file = { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS }
let app: TestApp
beforeAll(async () => {
  app = await startApp({}, file)
})
afterAll(() => app.close())

const clientCount = async () =>
  (await app.db.selectFrom('client').select('client_id').where('registration', '=', 'dynamic').execute())
    .length

describe('a registration', () => {
  test('has the defaults of the RFC, a secret, and what it is managed with', async () => {
    const { status, headers, body } = await register(app)
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      201,
      'application/json; charset=utf-8',
      'no-store',
    ])
    expect(body).toEqual({
      client_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_id_issued_at: expect.any(Number),
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      client_secret_expires_at: 0,
      registration_access_token: expect.stringMatching(/^[\w-]{43}$/),
      registration_client_uri: `${app.issuer}/register/${body.client_id}`,
      application_type: 'web',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
    })
  })

  test('says everything that was registered, and nothing that nobody knows', async () => {
    const metadata = {
      client_name: 'Partner',
      application_type: 'native',
      redirect_uris: ['com.example.partner:/callback', 'http://127.0.0.1/callback'],
      post_logout_redirect_uris: ['com.example.partner:/bye'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      scope: 'openid read:orders',
      client_uri: 'https://partner.example/',
      logo_uri: 'https://partner.example/logo.png',
      contacts: ['ops@partner.example'],
    }
    const unknown = {
      software_id: 'x',
      'client_name#ja': 'パートナー',
      client_secret: 'chosen',
      client_id: 'mine',
    }
    const { status, body } = await register(app, { ...metadata, ...unknown, tos_uri: null, jwks_uri: null })
    expect(status).toBe(201)
    const { client_id, client_id_issued_at, registration_access_token, registration_client_uri, ...said } =
      body
    expect(said).toEqual(metadata)
    expect(client_id).not.toBe('mine')
  })

  test('keeps of the scopes what it can have', async () => {
    const { body } = await register(app, {
      redirect_uris: [REDIRECT_URI],
      scope: 'openid address admin:orders read:orders read:stock',
    })
    expect(body.scope).toBe('openid read:orders')
    const none = await register(app, { redirect_uris: [REDIRECT_URI], scope: 'read:orders' }, BARE_TOKEN)
    expect(none.body.scope).toBeUndefined()
  })

  test('is written down without a secret', async () => {
    const { body } = await register(app, { client_name: 'Audited', redirect_uris: [REDIRECT_URI] })
    const event = await app.db
      .selectFrom('audit_event')
      .selectAll()
      .where('client_id', '=', body.client_id)
      .executeTakeFirstOrThrow()
    expect(event).toMatchObject({
      type: 'client_registered',
      outcome: 'success',
      actor_type: 'anonymous',
      credential_kind: 'initial_access_token',
      credential_id: 'partners',
      address: expect.stringMatching(/127\.0\.0\.1|::1/),
      detail: { client_name: 'Audited', redirect_uris: [REDIRECT_URI] },
    })
  })

  test('of a client without a name goes by its id', async () => {
    const { body } = await register(app)
    const row = await app.db
      .selectFrom('client')
      .select(['client_name', 'registration', 'require_consent', 'require_pkce'])
      .where('client_id', '=', body.client_id)
      .executeTakeFirstOrThrow()
    expect(row).toEqual({
      client_name: body.client_id,
      registration: 'dynamic',
      require_consent: true,
      require_pkce: true,
    })
  })
})

describe('what it may have', () => {
  const redirect_uris = ['http://127.0.0.1:9123/callback']
  const grant_types = ['authorization_code', 'refresh_token']

  test('is the ceiling of its initial access token, with the consent of a person', async () => {
    const { body } = await register(app, { redirect_uris, grant_types })
    const client = { ...body, redirect_uris }
    const flow = await codeFlow(app.issuer, app.agent(), client, { params: { scope: 'openid read:orders' } })
    expect(flow.token.body).toMatchObject({ scope: 'read:orders', refresh_token: expect.any(String) })
    for (const params of [
      { scope: 'openid admin:orders' },
      { scope: 'openid read:stock', resource: STOCK },
    ]) {
      const { redirect } = await codeFlow(app.issuer, app.agent(), client, { params })
      expect(['invalid_scope', 'invalid_target']).toContain(redirect.get('error'))
    }
  })

  test('is OpenID Connect only where that names nothing', async () => {
    const { body } = await register(app, { redirect_uris }, BARE_TOKEN)
    const client = { ...body, redirect_uris }
    const openid = await codeFlow(app.issuer, app.agent(), client, { params: { scope: 'openid profile' } })
    expect(openid.token.body).toMatchObject({ scope: 'openid profile', id_token: expect.any(String) })
    const { redirect } = await codeFlow(app.issuer, app.agent(), client, {
      params: { scope: 'openid read:orders', resource: ORDERS },
    })
    expect(redirect.get('error')).toBe('invalid_target')
  })

  test('is a refresh token only where it asked for the grant', async () => {
    const { body } = await register(app, { redirect_uris })
    const params = { scope: 'openid offline_access read:orders' }
    const flow = await codeFlow(app.issuer, app.agent(), { ...body, redirect_uris }, { params })
    expect(flow.token.status).toBe(200)
    expect(flow.token.body.refresh_token).toBeUndefined()
  })

  test('is client credentials only with an initial access token that names resources', async () => {
    const metadata = { grant_types: ['client_credentials'], response_types: [] }
    const { status, body } = await register(app, metadata)
    expect([status, body.response_types]).toEqual([201, []])
    const token = await protocolPost(app.issuer, '/token', body, { grant_type: 'client_credentials' })
    expect(token.body).toMatchObject({ scope: 'read:orders write:orders' })
    expect(await register(app, metadata, BARE_TOKEN)).toMatchObject({
      status: 400,
      body: { error: 'invalid_client_metadata' },
    })
  })

  test('needs PKCE', async () => {
    const { body } = await register(app, { redirect_uris })
    const { redirect } = await codeFlow(
      app.issuer,
      app.agent(),
      { ...body, redirect_uris },
      { params: { code_challenge: undefined, code_challenge_method: undefined } },
    )
    expect(redirect.get('error')).toBe('invalid_request')
  })
})

describe('who may not', () => {
  test.each([
    ['nothing', undefined, undefined],
    ['another scheme', { authorization: `Basic ${btoa('a:b')}` }, undefined],
    ['a token in the query', {}, undefined],
    ['an unknown token', {}, 'x'.repeat(43)],
    ['an expired one', {}, EXPIRED_TOKEN],
    ['a token that only begins like one', {}, INITIAL_TOKEN.slice(0, -1)],
    ['one in other letters', {}, INITIAL_TOKEN.toUpperCase()],
  ])('%s is 401 with a challenge', async (_name, headers, token) => {
    const before = await clientCount()
    const url = `${app.issuer}/register?access_token=${INITIAL_TOKEN}`
    const answer = await send(url, 'POST', {
      token,
      body: { redirect_uris: [REDIRECT_URI] },
      headers: headers ?? {},
    })
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token'])
    const challenge = `Bearer realm="${app.issuer}"`
    expect(answer.headers.get('www-authenticate')).toBe(
      token === undefined ? challenge : `${challenge}, error="invalid_token"`,
    )
    expect(await clientCount()).toBe(before)
  })

  test('a registration access token is no initial one, and neither is an access token', async () => {
    const { body } = await register(app, { grant_types: ['client_credentials'], response_types: [] })
    const { body: issued } = await protocolPost(app.issuer, '/token', body, {
      grant_type: 'client_credentials',
    })
    for (const token of [body.registration_access_token, body.client_secret, issued.access_token])
      expect((await register(app, undefined, token)).status).toBe(401)
    const wrongWay = await fetch(`${app.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${INITIAL_TOKEN}` },
    })
    expect(wrongWay.status).toBe(401)
  })

  test('a token that the file ends, or replaces, registers nothing more', async () => {
    const [first, second] = [
      'a-first-token-that-is-replaced-0123456789',
      'a-second-token-that-is-ended-0123456789',
    ]
    await app.apply({ initial_access_tokens: [{ name: 'short-lived', token: first }] })
    expect((await register(app, undefined, first)).status).toBe(201)
    await app.apply({ initial_access_tokens: [{ name: 'short-lived', token: second }] })
    expect((await register(app, undefined, first)).status).toBe(401)
    expect((await register(app, undefined, second)).status).toBe(201)
    await app.apply({
      initial_access_tokens: [{ name: 'short-lived', token: second, expires_at: '2026-01-01T00:00:00Z' }],
    })
    expect((await register(app, undefined, second)).status).toBe(401)
  })
})

test('scripts of any origin may register, without cookies', async () => {
  const preflight = await fetch(`${app.issuer}/register`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://anyone.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization, content-type',
    },
  })
  expect([preflight.status, Object.fromEntries(preflight.headers)]).toMatchObject([
    204,
    {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Authorization, Content-Type',
    },
  ])
  for (const { status, headers } of [await register(app), await register(app, undefined, 'wrong')]) {
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
    expect(status).toBeLessThan(402)
  }
})

test('closed: discovery names no address, and there is nothing to register', async () => {
  const closed = await startApp({ CLIENT_REGISTRATION: 'closed' }, file)
  const discovery = await (await fetch(`${closed.issuer}/.well-known/openid-configuration`)).json()
  expect(discovery).not.toHaveProperty('registration_endpoint')
  expect(await register(closed)).toMatchObject({ status: 403, body: { error: 'access_denied' } })
  await closed.close()
})
