// A real browser for the tests of one file: a fresh profile per person, and an eye on everything the pages do.
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals'
import axe from 'axe-core'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Request,
  type Response,
} from 'playwright-core'
import { findChromium } from './chromium.ts'

export type { Page } from 'playwright-core'

export interface TestBrowser {
  /**
   * The window of somebody with a profile of their own. When the test is over it is closed, and the test fails if a
   * page wrote to the console, broke the policy, or asked another origin for something.
   */
  open(options?: OpenOptions): Promise<Page>
}

export interface OpenOptions extends BrowserContextOptions {
  /** false: the test expects complaints and looks at them itself. */
  readonly watched?: boolean
}

const ARGUMENTS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
]

/** For what certainly happens, on a machine that others use too. */
const PATIENCE = 120_000

/** Call it once, at the top of a test file. One browser serves the file. */
export function useBrowser(): TestBrowser {
  let browser: Browser | undefined
  const opened: { context: BrowserContext; complaints: readonly string[] }[] = []

  beforeAll(async () => {
    const { path, env } = findChromium()
    browser = await chromium.launch({
      executablePath: path,
      args: ARGUMENTS,
      timeout: PATIENCE,
      env: { ...(process.env as Record<string, string>), ...env },
    })
  })

  afterEach(async () => {
    const mine = opened.splice(0)
    for (const { context } of mine) await context.close()
    expect(mine.flatMap(({ complaints }) => complaints)).toEqual([])
  })

  afterAll(async () => {
    await browser?.close()
  })

  return {
    async open({ watched = true, ...options } = {}) {
      if (!browser) throw new Error('The browser is started before the first test, not earlier')
      const context = await browser.newContext(options)
      context.setDefaultTimeout(PATIENCE)
      opened.push({ context, complaints: watched ? watch(context) : [] })
      return context.newPage()
    },
  }
}

const LOCAL = /^(?:localhost|127\.0\.0\.1)$/

/** Everything that no page of ours may do, in words, as it happens. */
function watch(context: BrowserContext): readonly string[] {
  const complaints: string[] = []
  const documents = new Set<string>()
  context.on('console', message => {
    const { url } = message.location()
    // Chromium logs the status of a document that is not 2xx.
    if (message.text().startsWith('Failed to load resource') && documents.has(url)) return
    complaints.push(`console ${message.type()} at ${url}: ${message.text()}`)
  })
  context.on('dialog', dialog => {
    complaints.push(`a page says: ${dialog.message()}`)
    void dialog.dismiss()
  })
  context.on('weberror', error => complaints.push(`error on a page: ${error.error()}`))
  context.on('request', request => {
    const complaint = complaintAbout(request)
    if (complaint !== undefined) complaints.push(complaint)
    if (request.isNavigationRequest()) documents.add(request.url())
  })
  context.on('response', response => complaints.push(...complaintsAbout(response)))
  return complaints
}

function complaintAbout(request: Request): string | undefined {
  const url = new URL(request.url())
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  if (!LOCAL.test(url.hostname)) return `a request left this machine: ${url.href}`
  if (request.isNavigationRequest()) return undefined
  const from = new URL(request.frame().url())
  return from.origin === url.origin ? undefined : `${from.href} loads ${url.href}`
}

/** Documents of the issuer, which is the only one at `localhost` (relying parties are at 127.0.0.1). */
function complaintsAbout(response: Response): string[] {
  const url = new URL(response.url())
  const { 'content-security-policy': policy = '', ...headers } = response.headers()
  if (url.hostname !== 'localhost' || !headers['content-type']?.startsWith('text/html')) return []
  const holds = {
    'no default source': policy.includes("default-src 'none'"),
    'no inline script or style': !policy.includes('unsafe'),
    'no frames': policy.includes("frame-ancestors 'none'") && headers['x-frame-options'] === 'DENY',
    'no-store': headers['cache-control'] === 'no-store',
  }
  return Object.entries(holds).flatMap(([what, held]) =>
    held ? [] : [`${what} does not hold at ${url.href}`],
  )
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Asserts that axe finds nothing on the page as it is shown now. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // With its style sheet.
  await page.waitForLoadState()
  // Evaluated by the debugger, which no policy of the page forbids.
  await page.evaluate(axe.source)
  const found = await page.evaluate(async values => {
    const { axe: injected } = globalThis as unknown as { axe: typeof axe }
    const { violations } = await injected.run({
      runOnly: { type: 'tag', values },
      resultTypes: ['violations'],
    })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(node => `${id}: ${node.html}\n${node.failureSummary ?? ''}`),
    )
  }, RULES)
  expect({ what, found }).toEqual({ what, found: [] })
}
