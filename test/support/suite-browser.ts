// Drives a page by the "browser" part of a configuration of the OpenID Foundation's conformance suite, as the suite does:
// entries are chosen by the address to open, tasks by the address of the page, commands find one element each.
import type { Locator, Page } from 'playwright-core'

type Command = readonly (string | number)[]

interface Entry {
  readonly match: string
  readonly tasks: readonly {
    readonly task: string
    readonly match: string
    readonly optional?: boolean
    readonly commands?: readonly Command[]
  }[]
}

export interface SuiteConfiguration {
  readonly alias: string
  readonly server: { readonly discoveryUrl: string }
  readonly client: SuiteClient
  readonly client_secret_post: SuiteClient
  readonly client2: SuiteClient
  readonly browser: readonly Entry[]
  readonly override: Readonly<Record<string, { readonly browser: readonly Entry[] }>>
}

interface SuiteClient {
  readonly client_id: string
  readonly client_secret: string
}

/** `*` is anything. */
const matches = (pattern: string, text: string) =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(text)

function find(page: Page, kind: string, target: string): Locator {
  const selectors: Record<string, string> = {
    id: `#${target}`,
    name: `[name='${target}']`,
    class: `.${target}`,
    css: target,
    xpath: `xpath=${target}`,
  }
  const selector = selectors[kind]
  if (selector === undefined) throw new Error(`the suite has no selector ${kind}`)
  return page.locator(selector)
}

async function run(page: Page, command: Command): Promise<void> {
  const [word, kind = '', target = '', ...rest] = command.map(String)
  const element = find(page, kind, target)
  if (rest.at(-1) === 'optional' && (await element.count()) === 0) return
  if (word === 'text') await element.fill(rest[0] ?? '')
  else if (word === 'click') await Promise.all([page.waitForEvent('load'), element.click()])
  else if (word === 'wait') {
    await element.waitFor({ state: 'attached' })
    const text = (await element.textContent()) ?? ''
    if (rest[1] !== undefined && !new RegExp(`^(?:${rest[1]})$`).test(text))
      throw new Error(`${kind} ${target} says “${text}”, not ${rest[1]}`)
  } else throw new Error(`the suite has no command ${word}`)
}

/** @param test the suite's name of one of its tests */
export async function driveAsSuite(
  page: Page,
  { browser, override }: SuiteConfiguration,
  test: string,
  url: string,
): Promise<void> {
  const entry = (override[test]?.browser ?? browser).find(({ match }) => matches(match, url))
  if (!entry) throw new Error(`nothing is said about ${url} in ${test}`)
  await page.goto(url, { waitUntil: 'load' })
  for (const { task, match, optional = false, commands = [] } of entry.tasks) {
    if (matches(match, page.url())) for (const command of commands) await run(page, command)
    else if (!optional) throw new Error(`${task}: the browser is at ${page.url()}, not at ${match}`)
  }
}
