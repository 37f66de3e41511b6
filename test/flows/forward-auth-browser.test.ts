// The page that a proxy relays to a person at the address of an application, in a real browser: its own policy lets its style
// sheet through, it can be read by everybody, and it loads nothing.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { expectAccessible, useBrowser } from '../support/browser.ts'
import { askForwardAuth } from '../support/forward-auth.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'

const browser = useBrowser()
let app: TestApp
let origin: string
const loaded: string[] = []

/** As small as a proxy can be: what Latchkey says goes to the browser as it is. */
const proxy = createServer(async (req, res) => {
  loaded.push(req.url ?? '')
  const headers = { accept: req.headers.accept ?? '' }
  const by = { dialect: 'caddy', setup: { resource: ORDERS } } as const
  const answer = await askForwardAuth(app, by, { url: `${origin}${req.url}`, headers })
  res.writeHead(answer.status, answer.headers)
  res.end(answer.text)
})
beforeAll(async () => {
  app = await startApp({ TRUSTED_PROXIES: '127.0.0.1' }, ordersFile)
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
})
afterAll(async () => {
  proxy.closeAllConnections()
  await new Promise(resolve => proxy.close(resolve))
  await app?.close()
})

it('looks as it should, in both colour schemes and on a telephone', async () => {
  const page = await browser.open({ reducedMotion: 'reduce' })
  await page.goto(`${origin}/shop`)
  expect(await page.getByRole('heading').textContent()).toBe('Signing in does not help here')
  // Without its style sheet it would be as wide as the window.
  for (const [width, widest] of [
    [320, 320],
    [1280, 500],
  ] as const) {
    await page.setViewportSize({ width, height: 800 })
    const box = await page.locator('main').boundingBox()
    expect(box?.width).toBeLessThanOrEqual(widest)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await expectAccessible(page, `a refusal elsewhere, ${width} px, ${colorScheme}`)
    }
  }
  expect(loaded).toEqual(['/shop'])
})
