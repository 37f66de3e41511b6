// Somebody at the pages without a screen, signed in.
import type { Agent, Page } from './agent.ts'
import type { TestApp } from './app.ts'
import { parse } from './html.ts'
import { PASSWORD } from './orders.ts'

export async function signedInAgent(app: TestApp, username: string): Promise<Agent> {
  const agent = app.agent()
  const page = await agent.submit(await agent.get('/sign-in'), { username, password: PASSWORD })
  if (page.location !== `${app.issuer}/account`)
    throw new Error(`${username} cannot sign in: ${page.status}\n${page.text.slice(0, 500)}`)
  return agent
}

/** The messages of a form by field name, and what is wrong above it, tags left out. */
export function errorsOf({ text }: Page): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name = '', message = ''] of text.matchAll(/id="field-(\w+)-error">([^<]*)</g))
    found[name] = parse(message).text
  return found
}

/** The text that the page shows for the only time, by the id of its box. */
export function shownOnce({ text }: Page, id = 'secret'): string {
  const [, shown] = new RegExp(`<code id="${id}"[^>]*>([^<]*)</code>`).exec(text) ?? []
  if (shown === undefined) throw new Error(`nothing is shown in #${id}:\n${parse(text).text.slice(0, 1000)}`)
  return parse(shown).text
}
