// RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): asked at our page, and then really out.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Agent, Page } from '../support/agent.ts'
import { asking } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost, type TokenResponse } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { ordersFile, ordersWeb } from '../support/orders.ts'

const BYE = 'http://127.0.0.1:8080/bye'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const endSession = (params: Record<string, string> = {}) => `/end_session?${new URLSearchParams(params)}`
const isSignedIn = async (agent: Agent) => (await agent.get('/account')).status === 200
const introspect = async ({ access_token = '' }: TokenResponse['body']) =>
  (await protocolPost(app.issuer, '/introspect', ordersWeb, { token: access_token })).body.active
const refresh = async ({ refresh_token = '' }: TokenResponse['body']) =>
  (await protocolPost(app.issuer, '/token', ordersWeb, { grant_type: 'refresh_token', refresh_token })).status

/** Somebody who has signed in through the orders application. */
async function signedIn(
  params: Record<string, string> = {},
): Promise<{ agent: Agent; token: TokenResponse['body'] }> {
  const agent = app.agent()
  const { token } = await codeFlow(app.issuer, agent, ordersWeb, {
    params: { scope: 'openid read:orders', ...params },
  })
  return { agent, token: token.body }
}

const confirm = (agent: Agent, page: Page, button: string) => {
  const form = parse(page.text).forms.find(({ buttons }) => buttons.includes(button))
  return agent.post('/end_session/confirm', {
    ...form?.hidden,
    ...(button === 'Sign out' && { logout: 'yes' }),
  })
}

describe('the page', () => {
  test('asks before anything happens, names the application, and leads to its registered address with the state', async () => {
    const { agent, token } = await signedIn()
    const page = await agent.get(
      endSession({ id_token_hint: token.id_token ?? '', post_logout_redirect_uri: BYE, state: 'a&b=c"<' }),
    )
    expect(page.status).toBe(200)
    expect(page.text).toContain('Orders')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.headers.get('content-security-policy')).toMatch(
      /form-action 'self' http:\/\/127\.0\.0\.1:8080(;|$)/,
    )
    expect(await isSignedIn(agent)).toBe(true)
    const out = await confirm(agent, page, 'Sign out')
    expect([out.status, out.location]).toEqual([303, `${BYE}?state=a%26b%3Dc%22%3C`])
    expect(await isSignedIn(agent)).toBe(false)
  })

  test('needs the client to be known for the way back: without it, our own page is the end', async () => {
    const { agent } = await signedIn()
    const page = await agent.get(endSession({ post_logout_redirect_uri: 'https://evil.example/' }))
    expect(page.headers.get('content-security-policy')).toMatch(/form-action 'self'(;|$)/)
    const out = await agent.follow(await confirm(agent, page, 'Sign out'))
    expect([out.status, new URL(out.url).pathname]).toEqual([200, '/end_session/success'])
  })

  test('one that is posted is the same', async () => {
    const { agent, token } = await signedIn()
    const params = { id_token_hint: token.id_token ?? '', post_logout_redirect_uri: BYE }
    const posted = await agent.post('/end_session', params, {
      origin: 'http://127.0.0.1:8080',
      'sec-fetch-site': 'cross-site',
    })
    expect(posted.status).toBe(303)
    expect(await isSignedIn(agent)).toBe(true)
    const out = await confirm(agent, await agent.follow(posted), 'Sign out')
    expect(out.location).toBe(BYE)
  })

  test('where nobody is signed in leads on by itself', async () => {
    const agent = app.agent()
    const page = await agent.get(
      endSession({ client_id: 'orders-web', post_logout_redirect_uri: BYE, state: 's' }),
    )
    // Chromium stops a form's way to another origin that the policy does not name.
    expect(page.headers.get('content-security-policy')).toMatch(
      /form-action 'self' http:\/\/127\.0\.0\.1:8080(;|$)/,
    )
    expect((await agent.submit(page, {})).location).toBe(`${BYE}?state=s`)
  })
})

describe('what is refused', () => {
  test.each([
    [
      'an address that is not registered',
      { client_id: 'orders-web', post_logout_redirect_uri: 'https://evil.example/' },
    ],
    ...[
      `${BYE}/`,
      `${BYE}?x`,
      `${BYE}#x`,
      'http://127.0.0.1:8080/callback',
      'http://127.0.0.1/bye',
      'javascript:alert(1)',
      '__proto__',
    ].map((uri): [string, Record<string, string>] => [
      uri,
      { client_id: 'orders-web', post_logout_redirect_uri: uri },
    ]),
    ['an unknown client', { client_id: 'nobody' }],
    ['a client __proto__', { client_id: '__proto__' }],
    ['a hint that is none', { id_token_hint: 'x' }],
    ['an unsigned hint', { id_token_hint: 'eyJhbGciOiJub25lIn0.eyJhdWQiOiJvcmRlcnMtd2ViIn0.' }],
    ['a hint for several', { id_token_hint: 'eyJhbGciOiJub25lIn0.eyJhdWQiOlsib3JkZXJzLXdlYiJdfQ.' }],
  ] as [string, Record<string, string>][])(
    '%s: our own page, and nobody is signed out',
    async (_name, params) => {
      const { agent } = await signedIn()
      const page = await agent.get(endSession(params))
      expect([page.status, page.location]).toEqual([400, undefined])
      expect(await isSignedIn(agent)).toBe(true)
    },
  )

  test('a hint for another client than the one named', async () => {
    const { agent, token } = await signedIn()
    const page = await agent.get(endSession({ id_token_hint: token.id_token ?? '', client_id: 'orders-spa' }))
    expect(page.status).toBe(400)
  })

  test('an answer without the secret of the page, with that of another browser, or from another site', async () => {
    const { agent } = await signedIn()
    const other = await signedIn()
    const page = await agent.get(endSession())
    const foreign = await other.agent.get(endSession())
    const xsrfOf = ({ text }: Page) => parse(text).forms.find(form => form.hidden.xsrf)?.hidden.xsrf ?? ''
    const post = (fields: Record<string, string>, headers = {}) =>
      agent.post('/end_session/confirm', fields, headers)
    for (const xsrf of ['', 'x', xsrfOf(foreign)])
      expect((await post({ xsrf, logout: 'yes' })).status).toBe(400)
    expect((await post({ logout: 'yes' })).status).toBe(400)
    for (const site of ['cross-site', 'same-site', 'none'])
      expect((await post({ xsrf: xsrfOf(page), logout: 'yes' }, { 'sec-fetch-site': site })).status).toBe(403)
    const form = { method: 'POST', body: 'logout=yes', path: '/end_session/confirm', headers: {} }
    expect((await asking(app)(form)).status).toBe(403)
    expect([await isSignedIn(agent), await isSignedIn(other.agent)]).toEqual([true, true])
    expect((await post({ xsrf: xsrfOf(page), logout: 'yes' })).status).toBe(303)
    expect(await isSignedIn(agent)).toBe(false)
  })
})

describe('signing out', () => {
  test('ends the session, whose old cookie is worth nothing, and what hangs on it; nothing else', async () => {
    const offline = { scope: 'openid offline_access read:orders', prompt: 'consent' }
    const mine = await signedIn()
    const kept = (await codeFlow(app.issuer, mine.agent, ordersWeb, { params: offline })).token.body
    const elsewhere = await signedIn()
    const cookies = [...mine.agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

    await confirm(mine.agent, await mine.agent.get(endSession()), 'Sign out')
    const replayed = await asking(app)({
      path: '/account',
      headers: { cookie: cookies, accept: 'text/html' },
    })
    expect(replayed.status).toBe(303)
    expect([await introspect(mine.token), await refresh(mine.token)]).toEqual([false, 400])
    expect([await introspect(kept), await refresh(kept)]).toEqual([true, 200])
    expect(await isSignedIn(elsewhere.agent)).toBe(true)
    expect([await introspect(elsewhere.token), await refresh(elsewhere.token)]).toEqual([true, 200])
    const { status, location } = await mine.agent.get('/account')
    expect([status, location]).toEqual([303, `${app.issuer}/sign-in?return_to=%2Faccount`])
  })

  test('works however many authorizations hang on the session', async () => {
    const { agent, token } = await signedIn()
    // One by one they would not fit into the ten seconds of a transaction, and nobody could sign out any more.
    await sql`
      INSERT INTO authorization_grant (id, account_id, client_id, session_uid, offline, payload, expires_at)
      SELECT 'many' || number, account_id, client_id, session_uid, offline, payload, expires_at
      FROM (SELECT * FROM authorization_grant ORDER BY created_at DESC LIMIT 1) AS latest, generate_series(1, 12000) AS number
    `.execute(app.db)
    await confirm(agent, await agent.get(endSession()), 'Sign out')
    expect([await isSignedIn(agent), await introspect(token)]).toEqual([false, false])
    const { revoked } = await app.db
      .selectFrom('revocation')
      .select(eb => eb.fn.countAll<string>().as('revoked'))
      .where('id', 'like', 'many%')
      .executeTakeFirstOrThrow()
    expect(revoked).toBe('12000')
  })

  test('is not what “Stay signed in” does', async () => {
    const { agent } = await signedIn()
    const page = await agent.get(
      endSession({ client_id: 'orders-web', post_logout_redirect_uri: BYE, state: 's' }),
    )
    const out = await confirm(agent, page, 'Stay signed in')
    expect(out.location).toBe(`${BYE}?state=s`)
    expect(await isSignedIn(agent)).toBe(true)
  })

  test('tells nothing to a client that is not there any more', async () => {
    const page = await asking(app)({
      path: '/end_session/success?client_id=%3Cscript%3E',
      headers: { accept: 'text/html' },
    })
    expect(page.status).toBe(400)
    expect(page.text).not.toContain('<script>')
  })
})
