// RFC 7592: a client reads, replaces and deletes its own registration.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { authorizationRequest, codeFlow, protocolPost } from '../support/authorization.ts'
import { billing, ordersFile, PASSWORD } from '../support/orders.ts'
import {
  BARE_TOKEN,
  INITIAL_ACCESS_TOKENS,
  INITIAL_TOKEN,
  type RegistrationAnswer,
  register,
  send,
} from '../support/registration.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS })
})
afterAll(() => app.close())

type Registered = RegistrationAnswer['body']

const METADATA = {
  client_name: 'Partner',
  redirect_uris: ['http://127.0.0.1:9124/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
}

let client: Registered
beforeEach(async () => {
  const { status, body } = await register(app, METADATA)
  expect(status).toBe(201)
  client = body
})

const manage = (
  method: string,
  { of = client, ...options }: Parameters<typeof send>[2] & { of?: Registered } = {},
) => send(of.registration_client_uri, method, { token: of.registration_access_token, ...options })

const put = (fields: object, of = client) =>
  manage('PUT', { of, body: { client_id: of.client_id, ...METADATA, ...fields } })

const flowOf = (of: Registered) =>
  codeFlow(app.issuer, app.agent(), { ...of, redirect_uris: METADATA.redirect_uris })

const refresh = (of: Registered, token: string | undefined) =>
  protocolPost(app.issuer, '/token', of, { grant_type: 'refresh_token', refresh_token: token ?? '' })

/** Not the secret, and not what stands in its place in the library. */
function expectNoSecret(body: object): void {
  for (const key of ['client_secret', 'client_secret_expires_at']) expect(body).not.toHaveProperty(key)
}

describe('reading', () => {
  test('says what is registered, never the secret', async () => {
    const { status, body, headers } = await manage('GET')
    const { client_secret, client_secret_expires_at, ...rest } = client
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(body).toEqual(rest)
  })

  test('of a public client is the same', async () => {
    const { body: of } = await register(app, { ...METADATA, token_endpoint_auth_method: 'none' })
    expectNoSecret(of)
    expect((await manage('GET', { of })).body).toEqual(of)
  })
})

describe('replacing', () => {
  test('keeps the secret, the tokens and what was issued', async () => {
    const { token } = await flowOf(client)
    const { status, body } = await put({ client_name: 'Partner Two', tos_uri: 'https://partner.example/tos' })
    expect([status, body]).toMatchObject([
      200,
      {
        client_id: client.client_id,
        client_id_issued_at: client.client_id_issued_at,
        client_name: 'Partner Two',
        tos_uri: 'https://partner.example/tos',
        registration_access_token: client.registration_access_token,
      },
    ])
    expectNoSecret(body)
    expect((await refresh(client, token.body.refresh_token)).status).toBe(200)
  })

  test('what is left out is gone, and has its default', async () => {
    await put({ tos_uri: 'https://partner.example/tos', scope: 'openid' })
    const { body } = await manage('PUT', {
      body: { client_id: client.client_id, redirect_uris: METADATA.redirect_uris, client_name: null },
    })
    expect(body).toMatchObject({ grant_types: ['authorization_code'] })
    expectNoSecret(body)
    for (const key of ['tos_uri', 'scope', 'client_name']) expect(body).not.toHaveProperty(key)
  })

  test('with its right secret is the same as without', async () => {
    const { status, body } = await put({ client_secret: client.client_secret })
    expect(status).toBe(200)
    expectNoSecret(body)
    expect((await flowOf(client)).token.status).toBe(200)
  })

  test('does not take a secret that the client chose', async () => {
    const mine = 'a-secret-of-my-own-choice-0123456789012345'
    const placeholder = 'kept as a hash elsewhere, compared elsewhere'
    for (const secret of [mine, placeholder, '', 1, [client.client_secret]])
      expect(await put({ client_secret: secret })).toMatchObject({
        status: 400,
        body: { error: 'invalid_request' },
      })
    expect((await flowOf({ ...client, client_secret: mine })).token.status).toBe(401)
    expect((await flowOf(client)).token.status).toBe(200)
  })

  test('without a client_id, or with another, or with what is not its own, is refused', async () => {
    const { body: other } = await register(app, METADATA)
    for (const fields of [
      { client_id: undefined },
      { client_id: other.client_id },
      { client_id: [client.client_id] },
      { registration_access_token: client.registration_access_token },
      { registration_client_uri: client.registration_client_uri },
      { client_secret_expires_at: 0 },
      { client_id_issued_at: 1 },
    ])
      expect(await put(fields)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const bad: [object, string][] = [
      [{ redirect_uris: ['http://evil.example/'] }, 'invalid_redirect_uri'],
      [{ redirect_uris: [] }, 'invalid_redirect_uri'],
      [{ require_pkce: false }, 'invalid_client_metadata'],
      [{ grant_types: ['implicit'] }, 'invalid_client_metadata'],
    ]
    for (const [fields, error] of bad)
      expect(await put(fields)).toMatchObject({ status: 400, body: { error } })
    expect((await manage('GET')).body).toMatchObject(METADATA)
  })

  test('to a public client ends the secret; back again makes a new one', async () => {
    const now = await put({ token_endpoint_auth_method: 'none' })
    expect([now.status, now.body.token_endpoint_auth_method]).toEqual([200, 'none'])
    expectNoSecret(now.body)
    const back = await put({ token_endpoint_auth_method: 'client_secret_post' })
    expect(back.body.client_secret).toMatch(/^[\w-]{43}$/)
    expect(back.body).toMatchObject({ client_secret_expires_at: 0 })
    const old = await put({
      client_secret: client.client_secret,
      token_endpoint_auth_method: 'client_secret_post',
    })
    expect(old.status).toBe(400)
  })

  test('cannot widen what it may have', async () => {
    const credentials = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] }
    const { body: bare } = await register(app, METADATA, BARE_TOKEN)
    expect((await put(credentials, bare)).status).toBe(400)
    expect((await put(credentials)).status).toBe(200)
    await app.db
      .deleteFrom('client_scope')
      .where('client_id', '=', client.client_id)
      .where('scope', '=', 'write:orders')
      .execute()
    const { body } = await put({ ...credentials, scope: 'read:orders write:orders' })
    expect(body.scope).toBe('read:orders')
  })

  test('with another name or address asks people anew', async () => {
    const agent = app.agent()
    const consents = () =>
      app.db.selectFrom('consent').select('resource').where('client_id', '=', client.client_id).execute()
    await codeFlow(app.issuer, agent, { ...client, redirect_uris: METADATA.redirect_uris })
    await put({ tos_uri: 'https://partner.example/tos' })
    expect(await consents()).toHaveLength(1)
    await put({ redirect_uris: [...METADATA.redirect_uris, 'https://elsewhere.example/callback'] })
    expect(await consents()).toHaveLength(0)
  })

  test('without an address that a person is just asked about sends nobody there', async () => {
    const agent = app.agent()
    const leaving = 'https://leaving.example/callback'
    await put({ redirect_uris: [...METADATA.redirect_uris, leaving] })
    const { url } = authorizationRequest(app.issuer, { ...client, redirect_uris: [leaving] })
    const person = { username: 'ada', password: PASSWORD }
    const consent = await agent.follow(await agent.submit(await agent.follow(await agent.get(url)), person))
    expect(consent.text).toContain('leaving.example')
    await put({})
    const answered = await agent.submit(consent, { decision: 'allow' }, { button: 'Allow' })
    expect([answered.status, answered.location]).toEqual([400, undefined])
    expect(answered.text).toContain('interaction_expired')
  })

  test('is written down when it changes something', async () => {
    await put({ client_name: 'Partner Two' })
    await put({ client_name: 'Partner Two' })
    const events = await app.db
      .selectFrom('audit_event')
      .select(['type', 'actor_type', 'actor_id', 'credential_kind'])
      .where('client_id', '=', client.client_id)
      .where('type', '=', 'client_changed')
      .execute()
    expect(events).toEqual([
      {
        type: 'client_changed',
        actor_type: 'client',
        actor_id: client.client_id,
        credential_kind: 'registration_access_token',
      },
    ])
  })
})

describe('deleting', () => {
  test('ends the client and everything that was issued to it', async () => {
    const { token } = await flowOf(client)
    const userinfo = () =>
      fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${token.body.access_token}` } })
    expect((await userinfo()).status).toBe(200)
    const { status, body } = await manage('DELETE')
    expect([status, body]).toEqual([204, {}])
    expect((await userinfo()).status).toBe(401)
    expect((await refresh(client, token.body.refresh_token)).status).toBe(401)
    const introspected = await protocolPost(app.issuer, '/introspect', billing, {
      token: token.body.access_token ?? '',
    })
    expect(introspected.body).toEqual({ active: false })
    for (const method of ['GET', 'DELETE'])
      expect(await manage(method)).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
    expect((await put({})).status).toBe(401)
    const left = await app.db.selectFrom('client').where('client_id', '=', client.client_id).execute()
    expect(left).toEqual([])
  })

  test('a client credentials token is refused afterwards', async () => {
    const { body: of } = await register(app, { grant_types: ['client_credentials'], response_types: [] })
    const { body } = await protocolPost(app.issuer, '/token', of, { grant_type: 'client_credentials' })
    const active = async () =>
      (await protocolPost(app.issuer, '/introspect', billing, { token: body.access_token ?? '' })).body.active
    expect(await active()).toBe(true)
    expect((await manage('DELETE', { of })).status).toBe(204)
    expect(await active()).toBe(false)
  })
})

describe('who may not', () => {
  test('anybody without the token of this very client', async () => {
    const { body: other } = await register(app, METADATA)
    for (const method of ['GET', 'PUT', 'DELETE'])
      for (const token of [
        undefined,
        'x',
        other.registration_access_token,
        client.client_secret,
        INITIAL_TOKEN,
        client.registration_access_token.toUpperCase(),
      ]) {
        const answer = await manage(method, {
          token,
          ...(method === 'PUT' && { body: { client_id: client.client_id, ...METADATA } }),
        })
        const { status, body, headers } = answer
        expect([method, status, body.error]).toEqual([method, 401, 'invalid_token'])
        expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="/)
      }
    expect((await manage('GET')).status).toBe(200)
    expect((await manage('GET', { of: other })).status).toBe(200)
  })

  test('a client that is not there is the same as a wrong token', async () => {
    const [gone, wrong] = await Promise.all([
      send(`${app.issuer}/register/nobody`, 'GET', { token: client.registration_access_token }),
      manage('GET', { token: 'x'.repeat(43) }),
    ])
    expect([gone.status, gone.body]).toEqual([wrong.status, wrong.body])
    expect(gone.headers.get('www-authenticate')).toBe(wrong.headers.get('www-authenticate'))
  })

  test('a client that an operator described, also one that was taken over', async () => {
    expect(await send(`${app.issuer}/register/orders-web`, 'GET', { token: INITIAL_TOKEN })).toMatchObject({
      status: 401,
    })
    await app.apply({
      clients: [{ client_id: client.client_id, client_secret: 'x'.repeat(32), ...METADATA }],
    })
    expect((await manage('GET')).status).toBe(401)
  })

  test('a client that is shut', async () => {
    await app.db
      .updateTable('client')
      .set({ disabled_at: new Date() })
      .where('client_id', '=', client.client_id)
      .execute()
    expect((await manage('GET')).status).toBe(401)
    expect((await manage('DELETE')).status).toBe(401)
  })
})

test('another method', async () => {
  for (const method of ['POST', 'PATCH']) {
    const { status, headers } = await manage(method)
    expect([status, headers.get('allow')]).toEqual([405, 'GET, PUT, DELETE, OPTIONS'])
  }
})
