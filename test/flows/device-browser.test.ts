// A device that openid-client connects, and a person with a real browser that runs no scripts.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import * as openid from 'openid-client'
import { startApp, type TestApp } from '../support/app.ts'
import { type Page, useBrowser } from '../support/browser.ts'
import { devicesFile, television } from '../support/devices.ts'
import { ORDERS } from '../support/orders.ts'
import { addPerson, answer, focused, heading, signIn } from '../support/people.ts'

const browser = useBrowser()
let app: TestApp
let device: openid.Configuration
beforeAll(async () => {
  app = await startApp({}, devicesFile)
  device = await openid.discovery(new URL(app.issuer), television.client_id, undefined, openid.None(), {
    execute: [openid.allowInsecureRequests],
  })
})
afterAll(() => app?.close())

const ask = () => openid.initiateDeviceAuthorization(device, { scope: 'openid profile read:orders' })
const tokensOf = (codes: openid.DeviceAuthorizationResponse) =>
  openid.pollDeviceAuthorizationGrant(device, { ...codes, interval: 0 })

/** Types the code that the device shows, with the keyboard alone. */
async function typeCode(page: Page, { user_code }: { user_code: string }): Promise<void> {
  await focused(page, 'user_code')
  await page.keyboard.type(user_code.toLowerCase())
  await page.keyboard.press('Enter')
}

test('sign-in, code, question, tokens, refresh, without scripts', async () => {
  const person = await addPerson(app, 'Valerie Thomas')
  const codes = await ask()
  const page = await browser.open({ javaScriptEnabled: false })
  await page.goto(codes.verification_uri)
  await signIn(page, person)
  await typeCode(page, codes)
  await page.getByText('Orders on television asks to use your account on a device').waitFor()
  await answer(page, 'Allow')
  await heading(page, 'Your device is connected').waitFor()
  const tokens = await tokensOf(codes)
  expect(tokens.scope).toBe('read:orders')
  const sub = tokens.claims()?.sub ?? ''
  const userinfo = await openid.fetchUserInfo(device, tokens.access_token, sub)
  expect(userinfo).toMatchObject({ sub, name: 'Valerie Thomas' })
  const renewed = await openid.refreshTokenGrant(device, tokens.refresh_token ?? '', { resource: ORDERS })
  expect(renewed.refresh_token).not.toBe(tokens.refresh_token)

  await page.getByRole('link', { name: 'Applications' }).click()
  await page.getByText('Orders on television').first().waitFor()
})

test('a denial, and an answer that is looked at again', async () => {
  const person = await addPerson(app, 'Mary Jackson')
  const codes = await ask()
  const page = await browser.open()
  await page.goto(codes.verification_uri_complete ?? '')
  await signIn(page, person)
  await page.getByRole('button', { name: 'Continue' }).click()
  await answer(page, 'Deny')
  await heading(page, 'Your device is not connected').waitFor()
  await expect(tokensOf(codes)).rejects.toMatchObject({ error: 'access_denied' })
  await page.reload()
  await heading(page, 'Your device is not connected').waitFor()
  await page.goBack()
  await page.reload()
  await page.getByRole('button', { name: 'Allow' }).waitFor({ state: 'detached' })
})

test('a code that one browser has entered is none in another', async () => {
  const codes = await ask()
  const [first, second] = [await browser.open(), await browser.open()]
  for (const page of [first, second]) {
    await page.goto(codes.verification_uri)
    await signIn(page, await addPerson(app, 'Somebody'))
  }
  await typeCode(first, codes)
  await first.getByRole('button', { name: 'Allow' }).waitFor()
  await typeCode(second, codes)
  await second.getByText('This is not the code of a device that waits.').waitFor()
  await second.goto(first.url())
  await heading(second, 'This is over').waitFor()
  await answer(first, 'Allow')
  await heading(first, 'Your device is connected').waitFor()
  expect((await tokensOf(codes)).scope).toBe('read:orders')
})
