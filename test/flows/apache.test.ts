// A person signs in to what Debian's Apache protects with mod_auth_openidc: certified, and written by somebody else.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Apache, startApache } from '../support/apache.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { useBrowser } from '../support/browser.ts'
import { ordersFile } from '../support/orders.ts'
import { addPerson, answer, heading, signIn } from '../support/people.ts'

const browser = useBrowser()
let apache: Apache
let app: TestApp

beforeAll(async () => {
  apache = await startApache()
  app = await startApp({}, { ...ordersFile, clients: [apache.registration] })
  await apache.start(app.issuer)
})
afterAll(async () => {
  await apache?.close()
  await app?.close()
})

test('a person signs in through Apache, is known behind it, and signs out everywhere', async () => {
  const page = await browser.open()
  const person = await addPerson(app, 'Grace Hopper')
  await page.goto(`${apache.origin}/`)
  await signIn(page, person)
  await answer(page, 'Allow')
  await heading(page, 'Hello Grace Hopper').waitFor()
  expect(page.url()).toBe(`${apache.origin}/`)
  expect(apache.visits.at(-1)).toMatchObject({
    oidc_claim_iss: app.issuer,
    oidc_claim_preferred_username: person.username,
    oidc_claim_email: `${person.username}@example.com`,
  })

  await page.goto(apache.signOut)
  await heading(page, 'Sign out?').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  // Back at Apache, which knows nobody any more and neither does the issuer.
  await heading(page, 'Sign in').waitFor()
  expect(new URL(page.url()).origin).toBe(app.issuer)
})

test('whoever denies is not let in', async () => {
  const page = await browser.open({ watched: false })
  const before = apache.visits.length
  await page.goto(`${apache.origin}/private`)
  await signIn(page, await addPerson(app, 'Ida Rhodes'))
  await answer(page, 'Deny')
  await page.waitForURL(
    url => url.origin === apache.origin && url.searchParams.get('error') === 'access_denied',
  )
  // The module's own page: it takes the `iss` of an error (RFC 9207) for a sign-in that the issuer begins.
  await page.getByText('Invalid Request').waitFor()
  expect(apache.visits.length).toBe(before)
})
