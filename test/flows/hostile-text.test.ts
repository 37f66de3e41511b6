// Whatever people and operators call themselves and their things is text on our pages: it never runs, never breaks the
// layout, and never spoils the text around it.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { expectAccessible, type Page, useBrowser } from '../support/browser.ts'
import { PASSWORD } from '../support/orders.ts'
import { answer, heading, signIn } from '../support/people.ts'
import { type RelyingParty, startRelyingParty } from '../support/relying-party.ts'

const browser = useBrowser()
const RESOURCE = `https://api.example.com/${'segment'.repeat(20)}`
const SCOPE = `read:${'everything'.repeat(12)}`

const NAMES = {
  script: `<script>alert(1)</script><img src=x onerror=alert(2)>`,
  markup: `"' autofocus onfocus=alert(1) x="</textarea></title><svg/onload=alert(2)>`,
  'right to left': 'عائشة بنت محمد (admin) 123',
  'one long word': `Donaudampfschifffahrt${'sgesellschaft'.repeat(8)}`,
}

const username = (name: string) => `${name.replaceAll(' ', '-')}-${'x'.repeat(40)}`

async function world(name: string): Promise<{ app: TestApp; party: RelyingParty }> {
  const party = await startRelyingParty({
    client_id: 'relying-party',
    client_name: name,
    organization: 'acme',
    resource_scopes: { [RESOURCE]: [SCOPE] },
  })
  const app = await startApp(
    {},
    {
      organizations: [{ id: 'acme', name }],
      resources: [
        { identifier: RESOURCE, name, organization: 'acme', scopes: { [SCOPE]: { description: name } } },
      ],
      accounts: Object.entries(NAMES).map(([kind, own]) => ({
        username: username(kind),
        email: `${'e'.repeat(60)}@${'example'.repeat(8)}.com`,
        name: own,
        password: PASSWORD,
        admin: true,
      })),
      clients: [party.registration],
    },
  )
  await party.connect(app.issuer)
  return { app, party }
}

const worlds = new Map<string, { app: TestApp; party: RelyingParty }>()

beforeAll(async () => {
  for (const [kind, name] of Object.entries(NAMES)) worlds.set(kind, await world(name))
})

afterAll(async () => {
  for (const { app, party } of worlds.values()) {
    await party.close()
    await app.close()
  }
})

async function expectHarmless(page: Page, name: string, what: string): Promise<void> {
  expect(await page.locator('body').innerText()).toContain(name)
  expect(await page.locator('main :is(script, img, svg[onload], [onerror], [onfocus])').count()).toBe(0)
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 800 })
    expect({ what, wide: await page.evaluate(() => document.documentElement.scrollWidth) }).toEqual({
      what,
      wide: width,
    })
  }
  await expectAccessible(page, what)
}

test.each(Object.entries(NAMES))('%s is shown as it is', async (kind, name) => {
  const { app, party } = worlds.get(kind) ?? (await world(name))
  const page = await browser.open({ userAgent: name, reducedMotion: 'reduce' })
  await page.goto(party.signInAt({ scope: `openid ${SCOPE}`, resource: RESOURCE }))
  await expectHarmless(page, name, 'sign-in')
  await signIn(page, { username: username(kind) })
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  await expectHarmless(page, name, 'consent')
  await answer(page, 'Allow')
  await party.tokens(page)
  for (const path of ['/account', '/account/sessions', '/account/applications', '/admin']) {
    await page.goto(app.issuer + path)
    for (const summary of await page.locator('summary').all()) await summary.click()
    await expectHarmless(page, name, path)
  }
  await page.goto(`${app.issuer}/end_session?client_id=relying-party`)
  await heading(page, 'Sign out?').waitFor()
  await expectHarmless(page, name, 'sign-out')
})

test('what was typed comes back as text', async () => {
  const { app } = worlds.get('script') ?? (await world(NAMES.script))
  const page = await browser.open()
  for (const path of ['/sign-in', '/sign-up']) {
    await page.goto(app.issuer + path)
    await page.getByLabel('Username').fill(NAMES.markup)
    await page.getByRole('main').getByRole('button').click()
    await page.locator('[aria-invalid]').first().waitFor()
    expect(await page.getByLabel('Username').inputValue()).toBe(NAMES.markup)
  }
  await page.goto(`${app.issuer}/sign-in?return_to=${encodeURIComponent('/"><script>alert(1)</script>')}`)
  await heading(page, 'Sign in').waitFor()
  await page.goto(`${app.issuer}/authorize?client_id=${encodeURIComponent(NAMES.script)}&response_type=code`)
  await heading(page, 'This request is not valid').waitFor()
})
