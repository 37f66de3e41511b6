// docs/conformance.md and its files: the declarative file is applied, the suite's configuration drives the pages behind TLS,
// and what the page says about Latchkey is so.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import { parse } from 'yaml'
import { SETTINGS } from '../../src/settings.ts'
import { type Answer, ask } from '../http/ground.ts'
import { startApp, type TestApp } from '../support/app.ts'
import type { FlowClient } from '../support/authorization.ts'
import { type Page, useBrowser } from '../support/browser.ts'
import { form, tokenFrom } from '../support/node-requests.ts'
import { until } from '../support/process.ts'
import { driveAsSuite, type SuiteConfiguration } from '../support/suite-browser.ts'
import { type SuiteStandIn, startSuiteStandIn } from '../support/suite-stand-in.ts'
import { createTlsProxy, type TlsProxy } from '../support/tls-proxy.ts'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
const page = read('docs/conformance.md')

const tv = { client_id: 'tv', grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] }

const browser = useBrowser()
let proxy: TlsProxy
let app: TestApp
let standIn: SuiteStandIn
let suite: SuiteConfiguration

beforeAll(async () => {
  proxy = await createTlsProxy()
  standIn = await startSuiteStandIn()
  // As the page says it for a suite of one's own.
  const here = (text: string) =>
    text
      .replaceAll('https://id.example.com', proxy.origin)
      .replaceAll('https://www.certification.openid.net', standIn.origin)
  suite = JSON.parse(here(read('examples/conformance/suite.json')))
  const settings = { ISSUER: proxy.origin, TRUSTED_PROXIES: '127.0.0.1', OUTBOUND_ALLOW: '127.0.0.1' }
  app = await startApp(settings, parse(here(read('examples/conformance/latchkey.yaml'))))
  await app.apply({
    clients: [{ ...tv, token_endpoint_auth_method: 'none', application_type: 'native' }],
  })
  await proxy.start(app.config.port)
})
afterAll(async () => {
  await proxy?.close()
  await standIn?.close()
  await app?.close()
})

const callback = () => `${standIn.origin}/test/a/latchkey/callback`
const bye = () => `${standIn.origin}/test/a/latchkey/post_logout_redirect`

/** The suite asks the server itself, without the proxy: what it says is the same. */
const asking = (question: Parameters<typeof ask>[1]): Promise<Answer> =>
  ask({ port: app.config.port, issuer: app.issuer }, question)

/** A browser as the suite has one: it takes any certificate. */
const open = () => browser.open({ ignoreHTTPSErrors: true, watched: false })

type Params = Record<string, string | undefined>

function addressOf(path: string, params: Params): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) if (value !== undefined) query.set(name, value)
  return `${app.issuer}${path}?${query}`
}

const authorizationUrl = (params: Params = {}) =>
  addressOf('/authorize', {
    client_id: suite.client.client_id,
    redirect_uri: callback(),
    response_type: 'code',
    scope: 'openid profile email',
    state: 'some-state',
    ...params,
  })

/** One authorization as the suite's browser goes through it. @returns what came back to the suite */
async function authorize(opened: Page, params: Params = {}, name = 'oidcc-server'): Promise<URLSearchParams> {
  const before = standIn.callbacks.length
  await driveAsSuite(opened, suite, name, authorizationUrl(params))
  const [back = new URLSearchParams(), ...more] = standIn.callbacks.slice(before)
  expect([back.get('state'), back.get('iss'), more]).toEqual(['some-state', app.issuer, []])
  return back
}

const exchange = (client: FlowClient, code: string | null) =>
  asking(
    form('/token', client, { grant_type: 'authorization_code', code: code ?? '', redirect_uri: callback() }),
  )

async function signedIn(): Promise<{
  opened: Page
  tokens: ReturnType<typeof tokenFrom>
  claims: JWTPayload
}> {
  const opened = await open()
  const tokens = tokenFrom(await exchange(suite.client, (await authorize(opened)).get('code')))
  return { opened, tokens, claims: decodeJwt(tokens.id_token ?? '') }
}

/** The rows of the table of ids: `body` → elements. */
const table = new Map(
  [...page.matchAll(/^\| [^|]+ \| `(page-[\w-]+)` \|(.*)\|$/gm)].map(([, body = '', elements = '']) => [
    body,
    [...elements.matchAll(/`([\w-]+)`/g)].map(([, id = '']) => id),
  ]),
)
const visited = new Set<string>()

const REGISTERED = 'https://suite.example/callback'

function register(withToken: boolean) {
  const [, token = ''] = /token: (\S+)/.exec(read('examples/conformance/latchkey.yaml')) ?? []
  const body = JSON.stringify({ redirect_uris: [REGISTERED] })
  const headers = {
    'content-type': 'application/json',
    ...(withToken && { authorization: `Bearer ${token}` }),
  }
  return asking({ method: 'POST', path: '/register', headers, body })
}

async function expectPage(opened: Page, body: string): Promise<void> {
  const ids = table.get(body)
  if (!ids) throw new Error(`${body} is not in the table`)
  await opened.waitForLoadState()
  expect(await opened.locator('body').getAttribute('id')).toBe(body)
  for (const id of ids) expect([id, await opened.locator(`[id="${id}"]`).count()]).toEqual([id, 1])
  visited.add(body)
}

describe('the suite’s browser, by suite.json', () => {
  test('signs in, allows and comes back; discovery is where the file says', async () => {
    const { claims, tokens } = await signedIn()
    expect(claims).toMatchObject({ iss: app.issuer, aud: 'conformance', sid: expect.any(String) })
    expect(decodeProtectedHeader(tokens.id_token ?? '').alg).toBe('RS256')
    const { pathname, origin } = new URL(suite.server.discoveryUrl)
    const discovery = (await asking({ path: pathname })).json()
    expect([origin, discovery.issuer]).toEqual([app.issuer, app.issuer])
    expect(discovery.id_token_signing_alg_values_supported).toEqual(
      expect.arrayContaining(['RS256', 'ES256', 'EdDSA']),
    )
  })

  test('is asked again with prompt=login and max_age=1, and not with prompt=none', async () => {
    const { opened, claims } = await signedIn()
    for (const [name, params] of [
      ['oidcc-prompt-login', { prompt: 'login' }],
      ['oidcc-max-age-1', { max_age: '0' }],
    ] as const)
      expect((await authorize(opened, params, name)).has('code')).toBe(true)
    const silent = await authorize(opened, { prompt: 'none', max_age: '10000' }, 'oidcc-max-age-10000')
    const { id_token = '' } = tokenFrom(await exchange(suite.client, silent.get('code')))
    expect(decodeJwt(id_token)).toMatchObject({ sub: claims.sub, auth_time: expect.any(Number) })
  })

  test('sees the error page for an address that is not registered', async () => {
    const opened = await open()
    const url = authorizationUrl({ redirect_uri: `${callback()}/other` })
    await driveAsSuite(opened, suite, 'oidcc-ensure-registered-redirect-uri', url)
    expect(await opened.locator('#error-code').textContent()).toBe('400 invalid_redirect_uri')
  })

  test.each<[string, (hint: string) => Params, boolean]>([
    ['', hint => ({ id_token_hint: hint, post_logout_redirect_uri: bye(), state: 's' }), true],
    ['-no-state', hint => ({ id_token_hint: hint, post_logout_redirect_uri: bye() }), true],
    [
      '-bad-post-logout-redirect-uri',
      hint => ({ id_token_hint: hint, post_logout_redirect_uri: standIn.origin }),
      false,
    ],
    [
      '-modified-id-token-hint',
      hint => ({ id_token_hint: `${hint}x`, post_logout_redirect_uri: bye() }),
      false,
    ],
    ['-no-id-token-hint', () => ({ post_logout_redirect_uri: bye(), state: 's' }), true],
    ['-no-params', () => ({}), true],
    ['-no-post-logout-redirect-uri', hint => ({ id_token_hint: hint, state: 's' }), true],
    ['-only-state', () => ({ state: 's' }), true],
  ])('signs out: oidcc-rp-initiated-logout%s', async (suffix, params, isOut) => {
    const { opened, tokens } = await signedIn()
    const url = addressOf('/end_session', params(tokens.id_token ?? ''))
    await driveAsSuite(opened, suite, `oidcc-rp-initiated-logout${suffix}`, url)
    if (!isOut) expect(await opened.locator('#error-code').textContent()).toBe('400 invalid_request')
    const silent = await authorize(opened, { prompt: 'none' })
    expect(silent.get('error')).toBe(isOut ? 'login_required' : null)
  })
})

test('the suite is told, with a token that it can match: oidcc-backchannel-rp-initiated-logout', async () => {
  const { opened, claims, tokens } = await signedIn()
  const before = standIn.logoutTokens.length
  const params = { id_token_hint: tokens.id_token, post_logout_redirect_uri: bye() }
  await driveAsSuite(
    opened,
    suite,
    'oidcc-backchannel-rp-initiated-logout',
    addressOf('/end_session', params),
  )
  const told = () => standIn.logoutTokens.slice(before).map(token => decodeJwt(token))
  await until('the suite was told', () => told().some(({ sid }) => sid === claims.sid))
  expect(told().find(({ sid }) => sid === claims.sid)).toMatchObject({ iss: app.issuer, sub: claims.sub })
})

describe('the basic profile', () => {
  test('everything that a request may say and nobody has to understand', async () => {
    const extra = {
      display: 'popup',
      ui_locales: 'se',
      claims_locales: 'se',
      acr_values: '1 2',
      login_hint: 'conformance',
      extra: 'foobar',
      nonce: undefined,
    }
    expect((await authorize(await open(), extra)).has('code')).toBe(true)
  })

  test('what comes back comes as a form where the request says so', async () => {
    const opened = await open()
    expect((await authorize(opened, { response_mode: 'form_post' })).has('code')).toBe(true)
    expect(new URL(opened.url()).search).toBe('')
    const refused = await authorize(await open(), { response_mode: 'form_post', prompt: 'none' })
    expect(refused.get('error')).toBe('login_required')
  })

  test('PKCE is checked where it is sent', async () => {
    const opened = await open()
    const challenged = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' }
    const refused = await exchange(suite.client, (await authorize(opened, challenged)).get('code'))
    expect([refused.status, refused.json().error]).toEqual([400, 'invalid_grant'])
    for (const { client_id } of [suite.client, suite.client_secret_post, suite.client2]) {
      const row = await app.db
        .selectFrom('client')
        .select('require_pkce')
        .where('client_id', '=', client_id)
        .executeTakeFirst()
      expect(row).toEqual({ require_pkce: false })
    }
  })

  test('userinfo by GET and by POST, the token in the header or in the body', async () => {
    const { tokens, claims } = await signedIn()
    const { access_token } = tokens
    const authorization = `Bearer ${access_token}`
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const question of [
      { headers: { authorization } },
      { method: 'POST', headers: { authorization } },
      { method: 'POST', headers: type, body: String(new URLSearchParams({ access_token })) },
    ])
      expect((await asking({ path: '/userinfo', ...question })).json()).toMatchObject({
        sub: claims.sub,
        email: 'conformance@example.com',
        email_verified: true,
      })
  })

  test('a code is used once, and its tokens end with the second use', async () => {
    const code = (await authorize(await open())).get('code')
    const { access_token } = tokenFrom(await exchange(suite.client, code))
    const again = await exchange(suite.client, code)
    expect([again.status, again.json().error]).toEqual([400, 'invalid_grant'])
    const headers = { authorization: `Bearer ${access_token}` }
    expect((await asking({ path: '/userinfo', headers })).status).toBe(401)
  })

  test('a secret in the body, and a refresh token that is of no use to another client', async () => {
    const { client_id, client_secret } = suite.client_secret_post
    const opened = await open()
    const code = (await authorize(opened, { client_id })).get('code') ?? ''
    const params = { grant_type: 'authorization_code', code, redirect_uri: callback(), client_secret }
    const tokens = tokenFrom(await asking(form('/token', { client_id }, params)))
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    const stolen = await asking(form('/token', suite.client2, refresh))
    expect([stolen.status, stolen.json().error]).toEqual([400, 'invalid_grant'])
    tokenFrom(await asking(form('/token', { client_id }, { ...refresh, client_secret })))
  })

  test.each([
    [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    [{ request_uri: 'https://www.certification.openid.net/request.jwt' }, 'request_uri_not_supported'],
    [{ response_type: undefined }, 'invalid_request'],
    [{ prompt: 'none' }, 'login_required'],
  ])('%j goes back to the client with an error', async (params, error) => {
    expect((await authorize(await open(), params)).get('error')).toBe(error)
  })

  test('without `claims`, address and phone', async () => {
    const discovery = (await asking({ path: '/.well-known/openid-configuration' })).json()
    expect(discovery).toMatchObject({
      claims_parameter_supported: false,
      request_uri_parameter_supported: false,
    })
    for (const scope of ['address', 'phone']) expect(discovery.scopes_supported).not.toContain(scope)
  })
})

describe('page ids and error words', () => {
  test('of signing in and out', async () => {
    const opened = await open()
    await opened.goto(authorizationUrl({ client_id: 'conformance-other' }))
    await expectPage(opened, 'page-sign-in')
    await opened.locator('#field-username').fill('conformance')
    await opened.locator('#field-password').fill('everybody knows this one')
    await opened.locator('#sign-in').click()
    await opened.locator('#allow').waitFor()
    await expectPage(opened, 'page-consent')
    await opened.goto(`${app.issuer}/end_session`)
    await expectPage(opened, 'page-sign-out')
    await opened.locator('#sign-out').click()
    await opened.locator('#page-signed-out').waitFor()
    await expectPage(opened, 'page-signed-out')
  })

  test.each([
    [{ client_id: 'nobody' }, '400 invalid_client'],
    [{ redirect_uri: 'https://evil.example' }, '400 invalid_redirect_uri'],
  ])('of an error: %j', async (params, code) => {
    const opened = await open()
    await opened.goto(authorizationUrl(params))
    await expectPage(opened, 'page-problem')
    expect(await opened.locator('#error-code').textContent()).toBe(code)
    expect(page).toContain(`\`${code}\``)
  })

  test.each(['allow', 'deny'])('of a device: %s', async decision => {
    const { opened } = await signedIn()
    const { user_code = '' } = (await asking(form('/device_authorization', tv, {}))).json()
    await opened.goto(`${app.issuer}/device`)
    await expectPage(opened, 'page-device-code')
    await opened.locator('#field-user_code').fill(String(user_code))
    await opened.locator('#continue').click()
    await opened.locator('#page-device-confirm').waitFor()
    await expectPage(opened, 'page-device-confirm')
    await opened.locator(`#${decision}`).click()
    const decided = decision === 'allow' ? 'page-device-allowed' : 'page-device-denied'
    await opened.locator(`#${decided}`).waitFor()
    await expectPage(opened, decided)
  })

  test('of leaving to an application that registered itself', async () => {
    const client_id = String((await register(true)).json().client_id)
    const opened = await open()
    await opened.goto(authorizationUrl({ client_id, redirect_uri: REGISTERED, prompt: 'none' }))
    await expectPage(opened, 'page-continue')
  })

  test('every page of the table was there', () => {
    expect([...visited].sort()).toEqual([...table.keys()].sort())
  })
})

test('a client is registered with the initial access token of the file', async () => {
  expect((await register(false)).status).toBe(401)
  expect((await register(true)).status).toBe(201)
})

test('settings that the page names exist', () => {
  const named = [...page.matchAll(/\b([A-Z][A-Z]+_[A-Z_]+)\b/g)].map(([, name = '']) => name)
  const known = new Set([...Object.keys(SETTINGS), 'NODE_EXTRA_CA_CERTS'])
  expect(named.filter(name => !known.has(name))).toEqual([])
})
