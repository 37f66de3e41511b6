// Forward-auth and people: their session at the issuer's own address, the way to sign in, and pages that say why not.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import type { DialectName } from '../../src/verify/forwarded-request.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { askForwardAuth, bodyBy, DIALECTS, type Original, toldBy } from '../support/forward-auth.ts'
import { bearer } from '../support/minted.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'

let app: TestApp
let cookie: string
beforeAll(async () => {
  const layered = {
    identifier: 'https://layered.example.com',
    name: 'Layered',
    token_format: 'opaque',
    layers: ['client-certificate', 'api-key'],
    scopes: { read: { description: 'Read' } },
  }
  const file = { ...ordersFile, resources: [...ordersFile.resources, layered] }
  app = await startApp({ TRUSTED_PROXIES: '127.0.0.1' }, file)
  const agent = await signedInAgent(app, 'ada')
  cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
})
afterAll(() => app.close())

const NAVIGATION = { 'sec-fetch-mode': 'navigate', accept: 'text/html,application/xhtml+xml' }

/**
 * At the issuer's own address unless told otherwise. The test's issuer is http, which no proxy may say of a credential: it
 * says nothing.
 */
const ask = (dialect: DialectName, original: Partial<Original> = {}, proto?: string) =>
  askForwardAuth(
    app,
    { dialect, setup: { resource: ORDERS }, proxy: { 'X-Forwarded-Proto': proto } },
    { url: `${app.issuer}/shop/1?page=2`, ...original },
  )

const elsewhere = { url: 'https://shop.example.com/shop/1?page=2' }

describe.each(DIALECTS)('asked by %s', dialect => {
  it('a session passes at the address of the issuer', async () => {
    const { status, headers } = await ask(dialect, { headers: { ...NAVIGATION, cookie } })
    expect(status).toBe(200)
    expect(decodeJwt(String(headers['x-auth-identity']))).toMatchObject({
      aud: ORDERS,
      subject_type: 'account',
      credential_kind: 'session',
      scope: 'admin:orders read:orders write:orders',
      host: new URL(app.issuer).host,
    })
  })

  it('a session is nothing at another host, port or scheme', async () => {
    const other = new URL(app.issuer)
    other.port = String(Number(other.port) + 1)
    for (const url of [elsewhere.url, `${other.origin}/shop`]) {
      const answer = await ask(dialect, { url, headers: { cookie } })
      expect(toldBy(dialect, answer)).toMatchObject({ status: 401, code: 'unauthenticated' })
    }
    const overHttps = await ask(dialect, { headers: { cookie } }, 'https')
    expect(toldBy(dialect, overHttps)).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  it('who navigates without a session is shown the way to sign in, and back', async () => {
    for (const headers of [
      NAVIGATION,
      { accept: 'text/html' },
      { ...NAVIGATION, cookie: 'latchkey_session=old' },
    ]) {
      const answer = await ask(dialect, { headers })
      const { location = '', status } = toldBy(dialect, answer)
      expect([status, answer.status]).toEqual([303, dialect === 'nginx' ? 401 : 303])
      const back = new URLSearchParams({ return_to: '/shop/1?page=2' })
      expect(location).toBe(`${app.issuer}/sign-in?${back}`)
    }
    const signIn = await app.agent().get(`${app.issuer}/sign-in?return_to=%2Fshop%2F1%3Fpage%3D2`)
    expect(signIn.text).toContain('value="/shop/1?page=2"')
  })

  it('the way back is left out where the address is too long for one, so that the answer is not', async () => {
    const url = `${app.issuer}/shop/${'"'.repeat(8000)}`
    const answer = await ask(dialect, { url, headers: NAVIGATION })
    expect(toldBy(dialect, answer)).toMatchObject({ status: 303, location: `${app.issuer}/sign-in` })
  })

  it('at another host nobody is sent anywhere: a page says why', async () => {
    for (const headers of [NAVIGATION, { ...NAVIGATION, cookie }]) {
      const answer = await ask(dialect, { ...elsewhere, headers })
      expect(toldBy(dialect, answer)).toMatchObject({ status: 401, location: undefined })
      const { type, text } = bodyBy(dialect, answer)
      expect(type).toBe('text/html; charset=utf-8')
      expect(text).toContain('Signing in does not help here')
      expect(text).toContain(`Being signed in at ${app.issuer} counts there only`)
      expect(text).not.toMatch(/<(?:link|script|img|form|a) /)
      expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
      expect(answer.headers['www-authenticate']).toContain('Bearer')
    }
  })

  it.each<[string, Record<string, string>]>([
    ['asks by script', { 'sec-fetch-mode': 'cors', accept: '*/*' }],
    ['is a program', { accept: 'application/json' }],
    ['says nothing', {}],
  ])('who %s gets the challenge', async (_name, headers) => {
    const answer = await ask(dialect, { headers })
    const { status, code, challenge, location } = toldBy(dialect, answer)
    expect({ status, code, location }).toEqual({ status: 401, code: 'unauthenticated', location: undefined })
    expect(challenge).toContain('Bearer')
  })

  it('a bad token is not helped by signing in', async () => {
    for (const headers of [bearer('nothing'), { 'x-api-key': 'nothing' }]) {
      const answer = await ask(dialect, { headers: { ...NAVIGATION, ...headers } })
      expect(toldBy(dialect, answer)).toMatchObject({ status: 401, location: undefined })
    }
  })

  it('nor is a form that was sent: its fields would be lost', async () => {
    const answer = await ask(dialect, { method: 'POST', headers: NAVIGATION })
    expect(toldBy(dialect, answer)).toMatchObject({ status: 401, location: undefined })
  })

  it.each<[string, string, (issuer: string) => Record<string, string>, boolean]>([
    ['a page of the same origin', 'POST', () => ({ 'sec-fetch-site': 'same-origin' }), true],
    ['a page of the same origin, in an older browser', 'POST', issuer => ({ origin: issuer }), true],
    ['another site', 'POST', () => ({ 'sec-fetch-site': 'cross-site' }), false],
    ['a neighbour', 'DELETE', () => ({ 'sec-fetch-site': 'same-site' }), false],
    ['the address bar', 'POST', () => ({ 'sec-fetch-site': 'none' }), false],
    [
      'another site that lies about its origin',
      'POST',
      issuer => ({ 'sec-fetch-site': 'cross-site', origin: issuer }),
      false,
    ],
    ['another site, in an older browser', 'POST', () => ({ origin: 'https://evil.example' }), false],
    ['nowhere', 'PATCH', () => ({}), false],
    ['another site, which only reads', 'GET', () => ({ 'sec-fetch-site': 'cross-site' }), true],
    [
      'another site, for a socket',
      'GET',
      () => ({ 'sec-websocket-key': 'x', origin: 'https://evil.example' }),
      false,
    ],
    [
      'a page of the same origin, for a socket',
      'GET',
      issuer => ({ 'sec-websocket-key': 'x', origin: issuer }),
      true,
    ],
  ])('with a session, from %s (%s)', async (_name, method, headersFor, passes) => {
    const answer = await ask(dialect, { method, headers: { cookie, ...headersFor(app.issuer) } })
    if (passes) expect(answer.status).toBe(200)
    else expect(toldBy(dialect, answer)).toMatchObject({ status: 403, code: 'csrf_failed' })
  })

  it('nobody is sent to sign in where a session is not taken', async () => {
    for (const sent of [{ cookie }, {}]) {
      const answer = await askForwardAuth(
        app,
        {
          dialect,
          setup: { resource: 'https://layered.example.com' },
          proxy: { 'X-Forwarded-Proto': undefined },
        },
        { url: `${app.issuer}/shop`, headers: { ...NAVIGATION, ...sent } },
      )
      expect(toldBy(dialect, answer)).toMatchObject({ status: 401, location: undefined })
      expect(bodyBy(dialect, answer).text).toContain('This is not allowed')
    }
  })

  it('a person who may not is told so, and not sent to sign in again', async () => {
    const by = {
      dialect,
      setup: { resource: ORDERS, scope: 'nobody:has' },
      proxy: { 'X-Forwarded-Proto': undefined },
    }
    const headers = { ...NAVIGATION, cookie }
    const answer = await askForwardAuth(app, by, { url: `${app.issuer}/shop`, headers })
    expect(toldBy(dialect, answer)).toMatchObject({ status: 403, location: undefined })
    expect(bodyBy(dialect, answer).text).toContain('<h1>This is not allowed</h1>')
  })
})

it('what is said at another host claims nothing for it', async () => {
  const secure = await startApp(
    { TRUSTED_PROXIES: '127.0.0.1', ISSUER: 'https://id.example.com' },
    ordersFile,
  )
  try {
    const port = secure.config.port
    const asked = { issuer: `http://127.0.0.1:${port}` }
    const answer = await askForwardAuth(asked, { dialect: 'caddy' }, { url: `${ORDERS}/` })
    expect([answer.status, answer.headers['strict-transport-security']]).toEqual([401, undefined])
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
  } finally {
    await secure.close()
  }
})
