// In a real browser: an application that registered itself gets nobody without a click, and everybody with one.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { authorizationRequest } from '../support/authorization.ts'
import { useBrowser } from '../support/browser.ts'
import { ordersFile } from '../support/orders.ts'
import { addPerson, answer, heading, signIn } from '../support/people.ts'
import { INITIAL_ACCESS_TOKENS, register } from '../support/registration.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'

const browser = useBrowser()
let app: TestApp
let party: RelyingParty
let client: { client_id: string; redirect_uris: string[] }
beforeAll(async () => {
  app = await startApp({}, { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS })
  // Only its origin is of use here: it answers at any address.
  party = await startRelyingParty({ client_id: 'nobody' })
  const redirect_uris = [`${party.origin}/arrived`]
  const { status, body } = await register(app, { client_name: 'Partner', redirect_uris })
  expect(status).toBe(201)
  client = { ...body, redirect_uris }
})
afterAll(async () => {
  await party?.close()
  await app?.close()
})

const request = (params: Record<string, string> = {}) => authorizationRequest(app.issuer, client, params).url

test('what was allowed before is one click away, and an error too', async () => {
  const page = await browser.open()
  await page.goto(request())
  await signIn(page, await addPerson(app, 'Karen Jones'))
  await answer(page, 'Allow')
  await page.waitForURL(url => url.origin === party.origin)
  for (const [params, expected] of [
    [{}, 'code'],
    [{ prompt: 'none' }, 'code'],
    [{ scope: 'openid nonsense' }, 'error'],
  ] as const) {
    const before = party.visits.length
    await page.goto(request(params))
    await heading(page, 'Go on to Partner?').waitFor()
    expect(await page.locator('main').innerText()).toContain(new URL(party.origin).host)
    expect(party.visits).toHaveLength(before)
    await page.getByRole('link', { name: 'Continue' }).click()
    await page.waitForURL(url => url.origin === party.origin && url.searchParams.has(expected))
  }
})

test('a form that is posted to it waits for the click as well', async () => {
  const page = await browser.open()
  const before = party.visits.length
  await page.goto(request({ prompt: 'none', response_mode: 'form_post' }))
  const button = page.getByRole('button', { name: 'Continue' })
  await button.waitFor()
  expect(party.visits).toHaveLength(before)
  await button.click()
  await page.waitForURL(`${party.origin}/arrived`)
})

test('it can be used with the keyboard, and in a frame it is not shown', async () => {
  const page = await browser.open()
  await page.goto(request({ prompt: 'none' }))
  const link = page.getByRole('link', { name: 'Continue' })
  for (
    let steps = 0;
    steps < 10 && !(await link.evaluate(element => element === document.activeElement));
    steps++
  )
    await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.waitForURL(url => url.origin === party.origin)
  const answered = await fetch(request({ prompt: 'none' }))
  expect(answered.headers.get('x-frame-options')).toBe('DENY')
})
