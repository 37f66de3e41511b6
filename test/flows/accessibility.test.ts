import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { expectAccessible, type Page, useBrowser } from '../support/browser.ts'
import { createAuthority } from '../support/certificates.ts'
import { ORDERS, ordersFile, PASSWORD, STOCK } from '../support/orders.ts'
import { addPerson, focused, heading } from '../support/people.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'
import { tlsFiles } from '../support/tls-app.ts'
import { developerTours } from './developer-pages.ts'
import { tours } from './every-page.ts'

const browser = useBrowser()
let app: TestApp
let party: RelyingParty
const files = tlsFiles([createAuthority()])

beforeAll(async () => {
  party = await startRelyingParty({
    client_id: 'relying-party',
    organization: 'acme',
    resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'], [STOCK]: ['read:stock'] },
  })
  const { TLS_CLIENT_CA } = files
  // So that the pages of clients ask about certificates, too.
  const certificates = { TRUSTED_PROXIES: '192.0.2.1', CLIENT_CERTIFICATE_HEADER: 'rfc9440', TLS_CLIENT_CA }
  app = await startApp(certificates, { ...ordersFile, clients: [...ordersFile.clients, party.registration] })
  await party.connect(app.issuer)
})

afterAll(async () => {
  files.remove()
  await party?.close()
  await app?.close()
})

const WIDTHS = [320, 1280]
const SCHEMES = ['light', 'dark'] as const

async function examine(page: Page, what: string): Promise<void> {
  await page.waitForLoadState()
  const inline = 'script:not([src]), style, [style], [onclick], [onload], [onerror]'
  expect({ what, inline: await page.locator(inline).count() }).toEqual({ what, inline: 0 })
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 })
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    expect({ what, wide }).toEqual({ what, wide: width })
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      await expectAccessible(page, `${what}, ${width} px, ${colorScheme}`)
    }
  }
}

/** A tour is long where others use the machine too. */
const SLOWEST = 900_000

// Without motion: a colour that is still changing has no contrast to speak of.
const still = { reducedMotion: 'reduce' } as const

test.each(Object.entries({ ...tours, ...developerTours }))(
  '%s',
  async (_name, tour) => {
    const page = await browser.open(still)
    await tour({ app, party, page, see: what => examine(page, what) })
  },
  SLOWEST,
)

test('what is wrong is found', async () => {
  const page = await browser.open(still)
  await page.goto(`${app.issuer}/sign-in`)
  await page.evaluate(() => document.querySelector('label')?.remove())
  await expect(examine(page, 'a field without its label')).rejects.toThrow(/label: <input/)
})

test('a person with a keyboard signs in and consents', async () => {
  const page = await browser.open()
  const person = await addPerson(app, 'Katherine Johnson')
  await page.goto(party.signInAt({ scope: 'openid read:orders write:orders', resource: ORDERS }))
  await focused(page, 'username')
  await page.keyboard.type(person.username)
  await page.keyboard.press('Tab')
  await page.keyboard.type('wrong')
  await page.keyboard.press('Enter')
  await page.getByText('The username or the password is wrong.').waitFor()
  await focused(page, 'password')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')

  await page.getByRole('button', { name: 'Allow' }).waitFor()
  const tab = async (wanted: string) => {
    for (let steps = 0; steps < 20; steps++) {
      await page.keyboard.press('Tab')
      const active = page.locator(':focus')
      // The focus is always to be seen.
      const { outlineStyle } = await active.evaluate(element => {
        const { outlineStyle } = getComputedStyle(element)
        return { outlineStyle }
      })
      expect(outlineStyle).toBe('solid')
      if (((await active.getAttribute('value')) ?? '') === wanted) return
    }
    throw new Error(`The focus does not come to ${wanted}`)
  }
  await tab('write:orders')
  await page.keyboard.press('Space')
  await tab('allow')
  await page.keyboard.press('Enter')
  expect((await party.tokens(page)).scope).toBe('read:orders')
})

test('the first key on every page leads to its content', async () => {
  const page = await browser.open()
  await page.goto(app.issuer)
  await page.keyboard.press('Tab')
  expect(await page.locator(':focus').innerText()).toBe('Skip to the content')
  await page.keyboard.press('Enter')
  await heading(page, 'One key ring for your APIs').waitFor()
  await page.locator('#content:focus').waitFor()
})
