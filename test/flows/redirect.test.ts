// Where a form may lead. Chromium checks `form-action` at every redirect that follows a post, so a page that forbids too
// much runs the post and loses the person; one that forbids too little is a way out for whoever can change a form.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { type Page, useBrowser } from '../support/browser.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { addPerson, answer, heading, signIn } from '../support/people.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'

const browser = useBrowser()
let app: TestApp
let web: RelyingParty
let native: RelyingParty

beforeAll(async () => {
  web = await startRelyingParty({ client_id: 'web', resource_scopes: { [ORDERS]: ['read:orders'] } })
  native = await startRelyingParty({
    client_id: 'native',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['com.example.app:/callback', 'http://127.0.0.1/callback'],
  })
  const clients = [...ordersFile.clients, web.registration, native.registration]
  app = await startApp({}, { ...ordersFile, clients })
  for (const party of [web, native]) await party.connect(app.issuer)
})

afterAll(async () => {
  for (const party of [web, native]) await party?.close()
  await app?.close()
})

/** Up to the consent page. */
async function askedBy(page: Page, request: URL): Promise<void> {
  await page.goto(request.href)
  await signIn(page, await addPerson(app, 'Ada Byron'))
  await page.getByRole('button', { name: 'Allow' }).waitFor()
}

const SCHEME = 'com.example.app:/callback'
const violation = (page: Page) =>
  page.waitForEvent('console', message => message.text().includes(`"form-action 'self'`))

test('an answer leads to another origin', async () => {
  const page = await browser.open()
  await askedBy(page, await web.authorizationUrl())
  await answer(page, 'Allow')
  await web.tokens(page)
})

test('an answer leads to the port where a native application listens', async () => {
  const page = await browser.open()
  await askedBy(page, await native.authorizationUrl())
  await answer(page, 'Allow')
  await native.tokens(page)
})

test.each(['Allow', 'Deny'] as const)(
  'the answer %s leads to the scheme of a native application',
  async decision => {
    const page = await browser.open()
    await askedBy(page, await native.authorizationUrl({ redirect_uri: SCHEME }))
    // Nothing on this machine opens that scheme: Chromium tries, and stays where it is.
    const tried = page.waitForEvent('requestfailed')
    await answer(page, decision)
    const url = new URL((await tried).url())
    expect(`${url.protocol}${url.pathname}`).toBe(SCHEME)
    expect(url.searchParams.has(decision === 'Allow' ? 'code' : 'error')).toBe(true)
  },
)

test.each([
  ['another origin', () => web.authorizationUrl()],
  ['a scheme', () => native.authorizationUrl({ redirect_uri: SCHEME })],
])('without the rule Chromium would stop on the way to %s', async (_what, request) => {
  const page = await browser.open({ watched: false })
  await askedBy(page, await request())
  await page.evaluate(() => {
    const policy = document.createElement('meta')
    policy.httpEquiv = 'Content-Security-Policy'
    policy.content = "form-action 'self'"
    document.head.append(policy)
  })
  const blocked = violation(page)
  await answer(page, 'Allow')
  await blocked
  expect(new URL(page.url()).origin).toBe(app.issuer)
})

test('a form that was changed leads nowhere but to the client of the request', async () => {
  const page = await browser.open({ watched: false })
  const lead = (to: string) => {
    const blocked = violation(page)
    const click = page.evaluate(target => {
      const form = document.querySelector<HTMLFormElement>(
        'form:has(input[name="username"], [name="decision"])',
      )
      if (!form) throw new Error('no form')
      form.action = target
      form.requestSubmit()
    }, to)
    return Promise.all([blocked, click])
  }
  const before = web.visits.length
  await page.goto(`${app.issuer}/sign-in`)
  await lead(`${web.origin}/steal`)
  await page.goto((await native.authorizationUrl({ redirect_uri: SCHEME })).href)
  await lead(`${web.origin}/steal`)
  await askedBy(page, await native.authorizationUrl())
  await lead(`${web.origin}/steal`)
  expect(web.visits.slice(before)).toEqual([])
})

test.each([
  ['an unknown client', { client_id: 'nobody' }, '400 invalid_client'],
  [
    'a redirect URI of somebody else',
    { redirect_uri: 'https://evil.example/callback' },
    '400 invalid_redirect_uri',
  ],
  [
    'a redirect URI with more behind it',
    { redirect_uri: 'ORIGIN/callback/more' },
    '400 invalid_redirect_uri',
  ],
])('%s gets our own page and no redirect', async (_what, parameters: Record<string, string>, code) => {
  const page = await browser.open()
  const request = await web.authorizationUrl()
  for (const [name, value] of Object.entries(parameters))
    request.searchParams.set(name, value.replace('ORIGIN', web.origin))
  const before = web.visits.length
  const response = await page.goto(request.href)
  expect(response?.status()).toBe(400)
  expect(page.url()).toBe(request.href)
  await heading(page, 'This request is not valid').waitFor()
  await page.getByText(code).waitFor()
  expect(web.visits.length).toBe(before)
})
