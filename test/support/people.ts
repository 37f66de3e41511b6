// What people do at the pages, in a real browser.
import { randomBytes } from 'node:crypto'
import type { Page } from 'playwright-core'
import type { TestApp } from './app.ts'
import { PASSWORD } from './orders.ts'

export interface Person {
  readonly username: string
  readonly name: string
}

/** An account that nobody else in the test uses, so that nothing was allowed before. */
export async function addPerson(app: TestApp, name: string): Promise<Person> {
  const username = `${name.toLowerCase().replace(/[^a-z]+/g, '-')}-${randomBytes(4).toString('hex')}`
  await app.apply({
    accounts: [{ username, name, email: `${username}@example.com`, password: PASSWORD }],
  })
  return { username, name }
}

/**
 * Does what sends the browser to another page, and waits until that one is there: a click ends before, and what is looked
 * for next may be on the page that is left, too.
 */
export async function onward(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.waitForLoadState()
  await Promise.all([page.waitForEvent('load'), act()])
}

/** Clicks a link or a button that leads to another page. */
export const follow = (page: Page, role: 'link' | 'button', name: string) =>
  onward(page, () => page.getByRole(role, { name, exact: true }).click())

/** On a page with the sign-in form. */
export async function signIn(page: Page, { username }: Pick<Person, 'username'>): Promise<void> {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(PASSWORD)
  await follow(page, 'button', 'Sign in')
}

/** On a page with the sign-up form. */
export async function signUp(page: Page, { username, name }: Person): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('E-mail address').fill(`${username}@example.com`)
  await page.getByLabel('Password').fill(PASSWORD)
  await follow(page, 'button', 'Create account')
}

export async function answer(page: Page, decision: 'Allow' | 'Deny'): Promise<void> {
  await page.getByRole('button', { name: decision }).click()
}

/** Whoever has signed in stands on the account pages. */
export async function signInAtHome(page: Page, app: TestApp, person: Person): Promise<void> {
  await page.goto(`${app.issuer}/sign-in`)
  await signIn(page, person)
  await page.waitForURL(`${app.issuer}/account`)
}

/** Waits for a field to have the focus: `autofocus` gives it when the page is first drawn, which is after it has loaded. */
export const focused = (page: Page, name: string) => page.locator(`[name="${name}"]:focus`).waitFor()

export const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name })
