import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { useBrowser } from '../support/browser.ts'
import { ORDERS, ordersFile, PASSWORD } from '../support/orders.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'

const browser = useBrowser()
let app: TestApp
let party: RelyingParty

beforeAll(async () => {
  party = await startRelyingParty({
    client_id: 'relying-party',
    resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
    introspect: [ORDERS],
  })
  app = await startApp({}, { ...ordersFile, clients: [...ordersFile.clients, party.registration] })
  await party.connect(app.issuer)
})

afterAll(async () => {
  await party?.close()
  await app?.close()
})

test('the whole story', async () => {
  const page = await browser.open()
  await page.goto(party.signInAt({ scope: 'openid profile read:orders', resource: ORDERS }))
  await page.getByRole('link', { name: 'Create account' }).click()
  await page.getByLabel('Name', { exact: true }).fill('Grace Hopper')
  await page.getByLabel('Username').fill('grace')
  await page.getByLabel('E-mail address').fill('grace@example.com')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  const tokens = await party.tokens(page)
  const { payload, protectedHeader } = await jwtVerify(
    tokens.access_token,
    createRemoteJWKSet(new URL(`${app.issuer}/jwks`)),
    { issuer: app.issuer, audience: ORDERS, typ: 'at+jwt' },
  )
  expect(payload).toMatchObject({ scope: 'read:orders' })
  expect(protectedHeader.alg).toBe('ES256')
})
