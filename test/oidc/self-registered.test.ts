// A client that registered itself is never a silent redirector: where nobody has acted, a page stands in between.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Agent, Page } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, protocolPost, redirectOf } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { ORDERS, ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'
import { INITIAL_ACCESS_TOKENS, type RegistrationAnswer, register } from '../support/registration.ts'

const ADMIN_TOKEN = 'an-initial-access-token-for-administrators-0123'

let app: TestApp
let client: RegistrationAnswer['body']
let agent: Agent
beforeAll(async () => {
  const admins = { name: 'admins', token: ADMIN_TOKEN, resource_scopes: { [ORDERS]: ['admin:orders'] } }
  app = await startApp({}, { ...ordersFile, initial_access_tokens: [...INITIAL_ACCESS_TOKENS, admins] })
})
afterAll(() => app.close())

const CALLBACK = 'https://partner.example/callback?at=home'
const BYE = 'https://partner.example/bye'

beforeEach(async () => {
  const { body } = await register(app, {
    client_name: 'Partner <b>',
    redirect_uris: [CALLBACK],
    post_logout_redirect_uris: [BYE],
  })
  client = body
  agent = app.agent()
})

const flowClient = () => ({ ...client, redirect_uris: [CALLBACK] })
const request = (params: Record<string, string | undefined> = {}) =>
  authorizationRequest(app.issuer, flowClient(), params)
const ask = (params: Record<string, string | undefined> = {}) => agent.get(request(params).url)

/** The page: where its link leads. */
function leadsTo(page: Page): URL {
  expect([page.status, page.location]).toEqual([200, undefined])
  expect(page.headers.get('cache-control')).toBe('no-store')
  expect(page.text).toContain('Partner &lt;b>')
  expect(page.text).toContain('partner.example')
  expect(page.text).not.toMatch(/http-equiv="refresh"|<script(?! type="module" src| src)/i)
  const links = [...page.text.matchAll(/<a id="continue" class="button[^"]*" href="([^"]*)">Continue<\/a>/g)]
  expect(links).toHaveLength(1)
  return new URL((links[0]?.[1] ?? '').replaceAll('&amp;', '&'))
}

async function signInAndAllow(): Promise<void> {
  expect(redirectOf(await answer(agent, await ask())).get('code')).toEqual(expect.any(String))
}

describe('nobody has acted', () => {
  test.each<[string, Record<string, string | undefined>, string]>([
    ['prompt=none, nobody signed in', { prompt: 'none' }, 'login_required'],
    ['a scope that nobody knows', { scope: 'openid nonsense' }, 'invalid_scope'],
    ['a response type that there is not', { response_type: 'none' }, 'unsupported_response_type'],
    ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['a resource that is not for it', { resource: 'https://stock.example.com' }, 'invalid_target'],
    ['prompts that exclude each other', { prompt: 'none login' }, 'invalid_request'],
  ])('%s', async (_name, params, error) => {
    const url = leadsTo(await ask(params))
    expect(`${url.origin}${url.pathname}`).toBe('https://partner.example/callback')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      at: 'home',
      error,
      state: 'some-state',
      iss: app.issuer,
    })
  })

  test('what was allowed before', async () => {
    await signInAndAllow()
    for (const prompt of [undefined, 'none']) {
      const { url, verifier } = request({ prompt })
      const code = leadsTo(await agent.get(url)).searchParams.get('code') ?? ''
      const exchanged = await protocolPost(app.issuer, '/token', client, {
        grant_type: 'authorization_code',
        code,
        redirect_uri: CALLBACK,
        code_verifier: verifier,
      })
      expect(exchanged.status).toBe(200)
    }
  })

  test('prompt=none before anything was allowed', async () => {
    await answer(agent, await agent.get(authorizationRequest(app.issuer, ordersWeb).url))
    expect(leadsTo(await ask({ prompt: 'none' })).searchParams.get('error')).toBe('consent_required')
  })

  test('a request that a session from elsewhere answers by itself', async () => {
    await signInAndAllow()
    const other = app.agent()
    const waiting = await other.follow(await other.get(request().url))
    expect(waiting.text).toContain('Sign in')
    // Signed in in another tab, then the first one is loaded again.
    await other.submit(await other.get('/sign-in'), {
      username: 'ada',
      password: PASSWORD,
    })
    leadsTo(await other.follow(await other.get(waiting.url)))
  })

  test('an account that may have nothing of it', async () => {
    const { body } = await register(
      app,
      { client_name: 'Partner <b>', redirect_uris: [CALLBACK] },
      ADMIN_TOKEN,
    )
    const bob = app.agent()
    await bob.submit(await bob.get('/sign-in'), { username: 'bob', password: PASSWORD })
    const { url } = authorizationRequest(
      app.issuer,
      { ...body, redirect_uris: [CALLBACK] },
      { scope: 'admin:orders', nonce: undefined },
    )
    expect(leadsTo(await bob.follow(await bob.get(url))).searchParams.get('error')).toBe('access_denied')
  })

  test('form_post: the page has the form, with a button and without a script', async () => {
    const page = await ask({ prompt: 'none', response_mode: 'form_post' })
    expect([page.status, page.location]).toEqual([200, undefined])
    const form = parse(page.text).forms.find(one => one.buttons.includes('Continue'))
    expect(form).toMatchObject({
      action: CALLBACK,
      hidden: { error: 'login_required', state: 'some-state', iss: app.issuer },
    })
    expect(form?.hidden).not.toHaveProperty('csrf')
    expect(page.text).not.toContain('submit()')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("form-action 'self' https://partner.example")
    expect(policy).not.toContain('sha256-')
  })

  test('fragment', async () => {
    const url = leadsTo(await ask({ prompt: 'none', response_mode: 'fragment' }))
    expect(new URLSearchParams(url.hash.slice(1)).get('error')).toBe('login_required')
  })

  test('a request that was pushed', async () => {
    const { url } = request({ prompt: 'none' })
    const { searchParams } = new URL(url)
    const pushed = await protocolPost(app.issuer, '/par', client, Object.fromEntries(searchParams))
    expect(pushed.status).toBe(201)
    const query = new URLSearchParams({
      client_id: client.client_id,
      request_uri: pushed.body.request_uri ?? '',
    })
    expect(leadsTo(await agent.get(`/authorize?${query}`)).searchParams.get('error')).toBe('login_required')
  })

  test('the way back after signing out, where nobody was signed in', async () => {
    const query = new URLSearchParams({
      client_id: client.client_id,
      post_logout_redirect_uri: BYE,
      state: 's',
    })
    const page = await agent.get(`/end_session?${query}`)
    const form = parse(page.text).forms[0]
    const left = await agent.post(new URL(form?.action ?? '', app.issuer).href, { ...form?.hidden })
    expect(leadsTo(left).href).toBe(`${BYE}?state=s`)
  })
})

describe('somebody has acted', () => {
  test('signed in and allowed it', signInAndAllow)

  test('denied it', async () => {
    const redirect = redirectOf(await answer(agent, await ask(), { decision: 'deny' }))
    expect(redirect.get('error')).toBe('access_denied')
  })

  test('signed in, where it was allowed before', async () => {
    await signInAndAllow()
    const other = app.agent()
    expect(redirectOf(await answer(other, await other.get(request().url))).get('code')).toEqual(
      expect.any(String),
    )
  })

  test('form_post is posted at once', async () => {
    const page = await answer(agent, await ask({ response_mode: 'form_post' }))
    expect(page.text).toContain('submit()')
  })
})

test('the consent page says that nobody has checked it', async () => {
  const page = await agent.follow(await ask())
  const consent = await agent.follow(await agent.submit(page, { username: 'ada', password: PASSWORD }))
  expect(consent.text).toContain('Not verified')
  expect(consent.text).toContain('Nobody here has checked who runs this application.')
})

test('an address that is not registered leads nowhere at all', async () => {
  const page = await ask({ prompt: 'none', redirect_uri: 'https://evil.example/' })
  expect([page.status, page.location, page.text.includes('evil.example')]).toEqual([400, undefined, false])
})

test("an operator's client is answered as ever", async () => {
  const page = await agent.get(authorizationRequest(app.issuer, ordersWeb, { prompt: 'none' }).url)
  expect(redirectOf(page).get('error')).toBe('login_required')
})
