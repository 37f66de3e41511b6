import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, codeFlow, protocolPost, redirectOf } from '../support/authorization.ts'
import { CALLBACK, house, ORDERS, ordersFile, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const verify = (jwt: string) => jwtVerify(jwt, createRemoteJWKSet(new URL(`${app.issuer}/jwks`)))

describe('authorization code', () => {
  test('gives a JWT access token, an ID token and a refresh token', async () => {
    const { redirect, token } = await codeFlow(app.issuer, app.agent(), ordersWeb, {
      params: { scope: 'openid read:orders write:orders' },
    })
    expect(redirect.get('iss')).toBe(app.issuer)
    expect(redirect.get('state')).toBe('some-state')
    expect(token.status).toBe(200)
    expect(token.body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'read:orders write:orders',
    })
    expect(token.headers.get('cache-control')).toBe('no-store')

    const at = await verify(token.body.access_token ?? '')
    expect(at.protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    expect(at.payload).toMatchObject({
      iss: app.issuer,
      aud: ORDERS,
      client_id: 'orders-web',
      scope: 'read:orders write:orders',
      acr: 'urn:latchkey:acr:password',
      amr: ['pwd'],
      grant_id: expect.any(String),
      auth_time: expect.any(Number),
    })
    const id = await verify(token.body.id_token ?? '')
    expect(id.payload).toMatchObject({
      iss: app.issuer,
      aud: 'orders-web',
      nonce: 'some-nonce',
      sub: at.payload.sub,
    })
    expect(token.body.refresh_token).toMatch(/^[\w-]{43}$/)
  })

  test('asks again only for what is new', async () => {
    const agent = app.agent()
    const first = await codeFlow(app.issuer, agent, ordersSpa, {
      params: { scope: 'openid read:orders', resource: ORDERS },
      person: { username: 'bob' },
    })
    expect(first.token.status).toBe(200)
    const again = await agent.follow(
      await agent.get(
        authorizationRequest(app.issuer, ordersSpa, { scope: 'openid read:orders', resource: ORDERS }).url,
      ),
    )
    expect(redirectOf(again).get('code')).toBeTruthy()
    const more = await agent.follow(
      await agent.get(
        authorizationRequest(app.issuer, ordersSpa, { scope: 'openid read:stock', resource: STOCK }).url,
      ),
    )
    expect(more.status).toBe(200)
    expect(more.text).toContain('See what is in stock')
    expect(more.text).not.toContain('See your orders')
  })

  test('a scope the account may not have is left out', async () => {
    const asked = { scope: 'openid read:orders admin:orders' }
    const ada = await codeFlow(app.issuer, app.agent(), ordersWeb, { params: asked })
    expect(ada.token.body.scope).toBe('read:orders admin:orders')
    const bob = await codeFlow(app.issuer, app.agent(), ordersWeb, {
      params: asked,
      person: { username: 'bob' },
    })
    expect(bob.token.body.scope).toBe('read:orders')
    const agent = app.agent()
    const refused = await answer(
      agent,
      await agent.get(
        authorizationRequest(app.issuer, ordersWeb, { scope: 'admin:orders', nonce: undefined }).url,
      ),
      { username: 'bob' },
    )
    expect(redirectOf(refused).get('error')).toBe('access_denied')
  })

  test('what was unticked is left out, and asked for again', async () => {
    const agent = app.agent()
    const file = { ...ordersFile.clients[0], client_id: 'untick', redirect_uris: [CALLBACK] }
    await app.apply({ clients: [file] })
    const { token } = await codeFlow(app.issuer, agent, file as typeof ordersWeb, {
      params: { scope: 'openid read:orders write:orders' },
      person: { untick: ['write:orders'] },
    })
    expect(token.body.scope).toBe('read:orders')
    const again = await agent.follow(
      await agent.get(
        authorizationRequest(app.issuer, file as typeof ordersWeb, {
          scope: 'openid read:orders write:orders',
        }).url,
      ),
    )
    expect(again.text).toContain('Create and change your orders')
  })

  test('deny and an empty choice are access_denied', async () => {
    for (const person of [{ decision: 'deny' as const }, { untick: ['read:orders'] }]) {
      const agent = app.agent()
      const file = { ...ordersFile.clients[0], client_id: `deny-${person.decision ?? 'none'}` }
      await app.apply({ clients: [file] })
      const page = await answer(
        agent,
        await agent.get(
          authorizationRequest(app.issuer, file as typeof ordersWeb, {
            scope: 'read:orders',
            nonce: undefined,
          }).url,
        ),
        person,
      )
      expect(Object.fromEntries(redirectOf(page))).toMatchObject({
        error: 'access_denied',
        state: 'some-state',
        iss: app.issuer,
      })
    }
  })

  test("the operator's own client asks nobody", async () => {
    const { url } = authorizationRequest(app.issuer, house, {
      scope: 'openid read:orders',
      code_challenge: undefined,
      code_challenge_method: undefined,
    })
    const agent = app.agent()
    const signIn = await agent.follow(await agent.get(url))
    const done = await agent.follow(
      await agent.submit(signIn, { username: 'ada', password: 'correct horse battery staple' }),
    )
    const code = redirectOf(done).get('code') ?? ''
    const token = await protocolPost(app.issuer, '/token', house, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: house.redirect_uris?.[0] ?? '',
    })
    expect(token.status).toBe(200)
  })
})

describe('PKCE', () => {
  test.each([
    ['without a challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['plain', { code_challenge_method: 'plain' }],
  ])('%s is refused', async (_name, params) => {
    const page = await app.agent().get(authorizationRequest(app.issuer, ordersWeb, params).url)
    expect(redirectOf(page).get('error')).toBe('invalid_request')
  })

  test('a wrong or missing verifier is invalid_grant, and the code still works once', async () => {
    const { url, verifier } = authorizationRequest(app.issuer, ordersWeb, { scope: 'openid read:orders' })
    const agent = app.agent()
    const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
    const request = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK }
    const exchange = (more: Record<string, string>) =>
      protocolPost(app.issuer, '/token', ordersWeb, { ...request, ...more })
    expect((await exchange({})).body.error).toBe('invalid_grant')
    expect(
      (await exchange({ code_verifier: verifier.replace(/^./, 'x').replace(/.$/, 'y') })).body.error,
    ).toBe('invalid_grant')
    expect((await exchange({ code_verifier: verifier })).status).toBe(200)
  })

  test('an exempt client that sends a challenge is held to it', async () => {
    const { url } = authorizationRequest(app.issuer, house, { scope: 'openid' })
    const agent = app.agent()
    const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
    const token = await protocolPost(app.issuer, '/token', house, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: house.redirect_uris?.[0] ?? '',
    })
    expect(token.body.error).toBe('invalid_grant')
  })
})

describe('a code', () => {
  test('replayed is invalid_grant and ends what it gave', async () => {
    const { url, verifier } = authorizationRequest(app.issuer, ordersWeb, { scope: 'openid read:orders' })
    const agent = app.agent()
    const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
    const exchange = () =>
      protocolPost(app.issuer, '/token', ordersWeb, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: CALLBACK,
        code_verifier: verifier,
      })
    const first = await exchange()
    expect(first.status).toBe(200)
    expect((await exchange()).body.error).toBe('invalid_grant')
    const introspected = await protocolPost(app.issuer, '/introspect', ordersWeb, {
      token: first.body.access_token ?? '',
    })
    expect(introspected.body).toEqual({ active: false })
    const refreshed = await protocolPost(app.issuer, '/token', ordersWeb, {
      grant_type: 'refresh_token',
      refresh_token: first.body.refresh_token ?? '',
    })
    expect(refreshed.body.error).toBe('invalid_grant')
  })

  test('is worth nothing to another client', async () => {
    const { url, verifier } = authorizationRequest(app.issuer, ordersWeb)
    const agent = app.agent()
    const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
    const token = await protocolPost(app.issuer, '/token', house, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    })
    expect(token.body.error).toBe('invalid_grant')
  })

  test('expired is invalid_grant', async () => {
    const { url, verifier } = authorizationRequest(app.issuer, ordersWeb)
    const agent = app.agent()
    const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
    await app.db
      .updateTable('authorization_code')
      .set({ expires_at: new Date(Date.now() - 1000) })
      .execute()
    const token = await protocolPost(app.issuer, '/token', ordersWeb, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    })
    expect(token.body.error).toBe('invalid_grant')
  })
})

describe('prompt and max_age', () => {
  test('none: login_required, then consent_required, then a code', async () => {
    const agent = app.agent()
    const file = { ...ordersFile.clients[0], client_id: 'silent' } as typeof ordersWeb
    await app.apply({ clients: [file] })
    const silently = async () =>
      redirectOf(
        await agent.follow(
          await agent.get(
            authorizationRequest(app.issuer, file, { scope: 'openid read:orders', prompt: 'none' }).url,
          ),
        ),
      )
    expect((await silently()).get('error')).toBe('login_required')
    await codeFlow(app.issuer, agent, ordersWeb)
    expect((await silently()).get('error')).toBe('consent_required')
    await codeFlow(app.issuer, agent, file, { params: { scope: 'openid read:orders' } })
    expect((await silently()).get('code')).toBeTruthy()
  })

  test('login asks for the password again', async () => {
    const agent = app.agent()
    await codeFlow(app.issuer, agent, ordersWeb)
    const before = await codeFlow(app.issuer, agent, ordersWeb)
    const page = await agent.follow(
      await agent.get(authorizationRequest(app.issuer, ordersWeb, { prompt: 'login' }).url),
    )
    expect(page.text).toContain('Sign in')
    await app.db
      .updateTable('session')
      .set({ signed_in_at: new Date(Date.now() - 60_000) })
      .execute()
    const after = await codeFlow(app.issuer, agent, ordersWeb, { params: { prompt: 'login' } })
    const at = (jwt: string | undefined) => verify(jwt ?? '').then(({ payload }) => Number(payload.auth_time))
    expect(await at(after.token.body.access_token)).toBeGreaterThanOrEqual(
      await at(before.token.body.access_token),
    )
  })

  test('consent asks again', async () => {
    const agent = app.agent()
    await codeFlow(app.issuer, agent, ordersWeb, { params: { scope: 'openid read:orders' } })
    const page = await agent.follow(
      await agent.get(
        authorizationRequest(app.issuer, ordersWeb, { scope: 'openid read:orders', prompt: 'consent' }).url,
      ),
    )
    expect(page.text).toContain('See your orders')
  })

  test('max_age=0 is a new sign-in, and the ID token says when', async () => {
    const agent = app.agent()
    await codeFlow(app.issuer, agent, ordersWeb)
    const { token } = await codeFlow(app.issuer, agent, ordersWeb, { params: { max_age: '0' } })
    expect((await verify(token.body.id_token ?? '')).payload.auth_time).toEqual(expect.any(Number))
  })
})

describe('what cannot go back to the client', () => {
  test.each([
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client'],
    [
      'a redirect URI that is not registered',
      { redirect_uri: 'https://evil.example/' },
      'invalid_redirect_uri',
    ],
  ])('%s is our own page', async (_name, params, code) => {
    const page = await app.agent().get(authorizationRequest(app.issuer, ordersWeb, params).url)
    expect(page.status).toBe(400)
    expect(page.location).toBeUndefined()
    expect(page.text).toContain(code)
    expect(page.headers.get('content-type')).toContain('text/html')
  })
})
