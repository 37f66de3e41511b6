// Pushed authorization requests (RFC 9126): optional for every client, demanded of those that say so.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { countRows } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import {
  answer,
  authorizationRequest,
  type FlowClient,
  protocolPost,
  redirectOf,
} from '../support/authorization.ts'
import { house, ORDERS, ordersFile, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'

const strict = {
  client_id: 'strict',
  client_secret: 'strict-secret-for-tests-only-0123456789ab',
  redirect_uris: ['http://127.0.0.1:8085/callback'],
  require_pushed_authorization_requests: true,
  resource_scopes: { [ORDERS]: ['read:orders'] },
  default_scope: 'openid read:orders',
}

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { ...ordersFile, clients: [...ordersFile.clients, strict] })
})
afterAll(() => app?.close())

type Params = Record<string, string | readonly string[] | undefined>

async function push(client: FlowClient, params: Params = {}) {
  const { url, verifier } = authorizationRequest(app.issuer, client, params)
  const body: Record<string, string[]> = {}
  for (const [name, value] of new URL(url).searchParams) body[name] = [...(body[name] ?? []), value]
  const pushed = await protocolPost(app.issuer, '/par', client, body)
  const open = `/authorize?${new URLSearchParams({
    client_id: client.client_id,
    request_uri: pushed.body.request_uri ?? '',
  })}`
  return { pushed, open, verifier }
}

function exchange(client: FlowClient, code: string, verifier: string) {
  return protocolPost(app.issuer, '/token', client, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: client.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
  })
}

test.each([
  ['confidential', ordersWeb, {}],
  ['public', ordersSpa, { resource: STOCK, scope: 'openid read:stock' }],
])('a %s client pushes its request and a person answers it', async (_kind, client, params) => {
  const { pushed, open, verifier } = await push(client, params)
  expect(pushed.status).toBe(201)
  expect(pushed.body).toEqual({
    expires_in: expect.any(Number),
    request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:[\w-]{20,}$/),
  })
  expect(pushed.headers.get('cache-control')).toContain('no-store')
  const agent = app.agent()
  const redirect = redirectOf(await answer(agent, await agent.get(open)))
  expect(redirect.get('state')).toBe('some-state')
  expect((await exchange(client, redirect.get('code') ?? '', verifier)).status).toBe(200)
})

test('parameters beside the pushed ones change nothing', async () => {
  const { open } = await push(ordersWeb)
  const agent = app.agent()
  const other = new URLSearchParams({
    redirect_uri: 'https://evil.example',
    state: 'other',
    scope: 'nonsense',
  })
  const page = await answer(agent, await agent.get(`${open}&${other}`))
  expect(page.location).toMatch(/^http:\/\/127\.0\.0\.1:8080\/callback\?/)
  expect(redirectOf(page).get('state')).toBe('some-state')
})

test('what was answered cannot be opened again, in any browser', async () => {
  const { open } = await push(house, { code_challenge: undefined, code_challenge_method: undefined })
  const agent = app.agent()
  expect(redirectOf(await answer(agent, await agent.get(open))).get('code')).toBeTruthy()
  for (const again of [agent, app.agent()]) {
    const { location = '' } = await again.follow(await again.get(open))
    expect(location).toMatch(/^http:\/\/127\.0\.0\.1:8083\/callback\?error=invalid_request_uri&/)
    expect(new URL(location).searchParams.has('code')).toBe(false)
  }
})

test('two browsers may open it, one answer counts', async () => {
  const { open } = await push(ordersWeb)
  const [first, second] = [app.agent(), app.agent()]
  const pages = [await first.follow(await first.get(open)), await second.follow(await second.get(open))]
  expect(redirectOf(await answer(first, pages[0] as (typeof pages)[0])).get('code')).toBeTruthy()
  const late = await answer(second, pages[1] as (typeof pages)[0])
  expect(late.location === undefined ? late.status : redirectOf(late).get('error')).toEqual(
    late.location === undefined ? 400 : 'invalid_request_uri',
  )
})

test('it opens for the client that pushed it only, and not after its time', async () => {
  const { open, pushed } = await push(ordersWeb)
  const uri = encodeURIComponent(pushed.body.request_uri ?? '')
  const agent = app.agent()
  for (const path of [
    `/authorize?client_id=orders-spa&request_uri=${uri}`,
    `/authorize?client_id=orders-web&request_uri=${encodeURIComponent('urn:ietf:params:oauth:request_uri:unknown')}`,
    `/authorize?client_id=orders-web&request_uri=${encodeURIComponent('https://evil.example/request')}`,
  ]) {
    // To the one address that the client who asks has registered, if anywhere.
    const refused = redirectOf(await agent.follow(await agent.get(path)))
    expect(refused.get('error')).toMatch(
      /^(invalid_request_object|invalid_request_uri|request_uri_not_supported)$/,
    )
    expect(refused.has('code')).toBe(false)
  }
  await app.db
    .updateTable('pushed_authorization_request')
    .set({ expires_at: new Date(Date.now() - 60_000) })
    .execute()
  expect(redirectOf(await agent.follow(await agent.get(open))).get('error')).toBe('invalid_request_uri')
})

test('a client that must push is refused anything else', async () => {
  const agent = app.agent()
  const { url } = authorizationRequest(app.issuer, strict)
  expect(redirectOf(await agent.get(url)).get('error')).toBe('invalid_request')
  // Without `scope`: the client's default.
  const { pushed, open, verifier } = await push(strict, { scope: undefined })
  expect(pushed.status).toBe(201)
  const code = redirectOf(await answer(agent, await agent.get(open))).get('code') ?? ''
  expect((await exchange(strict, code, verifier)).body.scope).toBe('read:orders')
})

test.each<[string, Params, string]>([
  ['another redirect URI', { redirect_uri: 'https://evil.example/cb' }, 'invalid_request'],
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['a request_uri', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported'],
  ['an unknown response type', { response_type: 'token' }, 'unsupported_response_type'],
  ['a scope nobody knows', { scope: 'openid fly:moon' }, 'invalid_scope'],
  ['an unknown resource', { resource: 'https://other.example' }, 'invalid_target'],
])('%s is refused when it is pushed, and nothing is kept', async (_what, params, error) => {
  const before = await countRows(app)
  const { pushed } = await push(ordersWeb, params)
  expect(pushed.status).toBe(400)
  expect(pushed.body.error).toBe(error)
  expect(await countRows(app)).toEqual(before)
})

test('nobody pushes for another client', async () => {
  const wrong = await push({ ...ordersWeb, client_secret: 'wrong-secret-for-tests-only-0123456789abcd' })
  expect([wrong.pushed.status, wrong.pushed.body.error]).toEqual([401, 'invalid_client'])
  const bare = await push({ client_id: ordersWeb.client_id, redirect_uris: ordersWeb.redirect_uris ?? [] })
  expect([bare.pushed.status, bare.pushed.body.error]).toEqual([401, 'invalid_client'])
})
