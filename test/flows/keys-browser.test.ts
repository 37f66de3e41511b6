// A member of an organization with a real browser: registers a client for an API's server and one that calls it, makes an
// API key and a personal token, uses them at the example API, gives one a new secret, revokes them, and the API refuses.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { expectAccessible, type Page, useBrowser } from '../support/browser.ts'
import { ORDERS, ordersFile, PASSWORD } from '../support/orders.ts'
import { type OrdersApi, startOrdersApi } from '../support/orders-api.ts'
import { follow, heading, signInAtHome } from '../support/people.ts'

const browser = useBrowser()
const grace = { username: 'grace', name: 'Grace Hopper' }
const [acme] = ordersFile.organizations
const file = {
  ...ordersFile,
  organizations: [
    { ...acme, members: [...(acme?.members ?? []), { account: grace.username, role: 'developer' }] },
  ],
  accounts: [...ordersFile.accounts, { ...grace, email: 'grace@example.com', password: PASSWORD }],
}

let app: TestApp
let page: Page
let api: OrdersApi | undefined
beforeAll(async () => {
  app = await startApp({}, file)
})
afterAll(async () => {
  await api?.close()
  await app?.close()
})

const click = (role: 'link' | 'button', name: string) => follow(page, role, name)
const tick = (scope: string) =>
  page
    .getByRole('checkbox', { name: scope })
    .and(page.locator(`[value^="${ORDERS} "]`))
    .check()

interface Registered {
  readonly client_id: string
  readonly client_secret: string
}

/** A service, from the list of clients. */
async function register(name: string, fill: () => Promise<void>): Promise<Registered> {
  await page.goto(`${app.issuer}/clients`)
  await click('link', 'Register a client')
  await click('link', 'Service')
  await page.getByLabel('Name', { exact: true }).fill(name)
  await fill()
  await click('button', 'Register')
  await heading(page, 'It is registered').waitFor()
  return {
    client_id: await page.locator('#client-id').innerText(),
    client_secret: await page.locator('#secret').innerText(),
  }
}

/** From the list of keys or tokens; leaves the browser there. @returns the secret */
async function create(noun: 'key' | 'token', name: string, scopes: readonly string[]): Promise<string> {
  await page
    .getByRole('link', { name: `Create ${noun}` })
    .first()
    .click()
  await page.getByLabel('Name', { exact: true }).fill(name)
  for (const scope of scopes) await tick(scope)
  await click('button', `Create ${noun}`)
  await heading(page, `Your new ${noun}`).waitFor()
  await expectAccessible(page, `the new ${noun}`)
  const secret = await page.locator('#secret').innerText()
  await click('link', 'Done')
  await page.getByRole('link', { name }).waitFor()
  expect(await page.content()).not.toContain(secret)
  return secret
}

/** From the list of keys or tokens. */
async function revoke(name: string): Promise<void> {
  await click('link', name)
  await click('link', 'Revoke')
  await heading(page, `Revoke ${name}?`).waitFor()
  await click('button', 'Revoke')
  await page.getByText('Revoked', { exact: true }).waitFor()
}

const statusOf = async (headers: Record<string, string>) => (await api?.read(headers))?.status
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })

test('register, create, use, rotate, revoke, refused', async () => {
  page = await browser.open()
  await signInAtHome(page, app, grace)

  const server = await register('Server of the orders API', async () => {
    await page.getByText('More settings').click()
    await page.getByRole('checkbox', { name: 'Orders API' }).check()
  })
  api = await startOrdersApi({ issuer: app.issuer, client: server })

  const robot = await register('Orders robot', async () => {
    await tick('read:orders')
    await tick('write:orders')
  })
  await expectAccessible(page, 'a client that was registered')
  const tokens = await fetch(`${app.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${robot.client_id}:${robot.client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: ORDERS }),
  })
  const { access_token: token } = (await tokens.json()) as { access_token: string }
  expect(await statusOf(bearer(token))).toBe(200)

  // An API key of the client: only to read.
  await click('link', 'Go to the client')
  await click('link', 'See its keys')
  const key = await create('key', 'Nightly export', ['read:orders'])
  const list = page.url()
  for (const headers of [bearer(key), { 'x-api-key': key }, { authorization: `ApiKey ${key}` }]) {
    const read = await api.read(headers)
    expect([read.status, read.json().caller]).toEqual([
      200,
      expect.objectContaining({
        kind: 'api-key',
        subject: { type: 'client', id: robot.client_id },
        clientId: robot.client_id,
        scopes: ['read:orders'],
      }),
    ])
  }
  const written = await api.write(bearer(key))
  expect([written.status, written.json().code]).toEqual([403, 'insufficient_scope'])

  // A new secret for it, and the old one ends now.
  await click('link', 'Nightly export')
  await click('link', 'Rotate')
  await page.getByRole('radio', { name: 'Now' }).check()
  await click('button', 'Rotate')
  await heading(page, 'The new secret').waitFor()
  const rotated = await page.locator('#secret').innerText()
  expect([await statusOf(bearer(key)), await statusOf(bearer(rotated))]).toEqual([401, 200])

  // A personal token: acts as the person.
  await page.goto(`${app.issuer}/account/tokens`)
  const personal = await create('token', 'My laptop', ['read:orders', 'write:orders'])
  const read = await api.read(bearer(personal))
  expect([read.status, read.json().caller]).toEqual([
    200,
    expect.objectContaining({
      kind: 'personal-access-token',
      subject: { type: 'account', id: expect.any(String) },
      scopes: ['read:orders', 'write:orders'],
    }),
  ])
  expect((await api.write(bearer(personal))).status).toBe(201)

  await revoke('My laptop')
  await expectAccessible(page, 'a token that was revoked')
  expect([await statusOf(bearer(personal)), await statusOf(bearer(rotated))]).toEqual([401, 200])
  await page.goto(list)
  await revoke('Nightly export')
  const refused = await api.read(bearer(rotated))
  expect([refused.status, refused.headers['www-authenticate'], refused.json().code]).toEqual([
    401,
    `Bearer realm="${app.issuer}", error="invalid_token"`,
    'invalid_token',
  ])
  await page.goto(`${app.issuer}/clients`)
  await click('link', 'Orders robot')
  await heading(page, 'Orders robot').waitFor()
})

test('somebody of no organization registers nothing', async () => {
  page = await browser.open()
  await signInAtHome(page, app, { username: 'bob', name: 'Bob Bird' })
  await page.goto(`${app.issuer}/clients`)
  await page.getByText('you are not a member of one').waitFor()
  expect(await page.getByRole('link', { name: 'Register a client' }).count()).toBe(0)
})
