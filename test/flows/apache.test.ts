// A person signs in to what Debian's Apache protects with mod_auth_openidc: certified, and written by somebody else.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Apache, startApache } from '../support/apache.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { type Page, useBrowser } from '../support/browser.ts'
import { ordersFile } from '../support/orders.ts'
import { addPerson, answer, heading, type Person, signIn } from '../support/people.ts'
import { until } from '../support/process.ts'

const browser = useBrowser()
let apache: Apache
let app: TestApp

beforeAll(async () => {
  apache = await startApache()
  app = await startApp({ OUTBOUND_ALLOW: '127.0.0.1' }, { ...ordersFile, clients: [apache.registration] })
  await apache.start(app.issuer)
})
afterAll(async () => {
  await apache?.close()
  await app?.close()
})

/** Somebody new, at the application behind Apache. */
async function comeIn(page: Page, name: string): Promise<Person> {
  const person = await addPerson(app, name)
  await page.goto(`${apache.origin}/`)
  await signIn(page, person)
  await answer(page, 'Allow')
  await heading(page, `Hello ${name}`).waitFor()
  expect(page.url()).toBe(`${apache.origin}/`)
  return person
}

test('a person signs in through Apache, is known behind it, and signs out at both', async () => {
  const page = await browser.open()
  const person = await comeIn(page, 'Grace Hopper')
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

test('Apache forgets whoever signs out elsewhere: it is told through the back channel', async () => {
  const page = await browser.open()
  await comeIn(page, 'Katherine Johnson')
  await page.goto(`${app.issuer}/account`)
  await Promise.all([
    page.waitForEvent('load'),
    page.getByRole('button', { name: 'Sign out', exact: true }).click(),
  ])
  await until('Apache has forgotten her', async () => {
    await page.goto(`${apache.origin}/`)
    return new URL(page.url()).origin === app.issuer
  })
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
