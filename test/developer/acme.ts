// Two organizations and the people in them, at the pages.
import type { Agent } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { parse } from '../support/html.ts'
import { ordersFile, PASSWORD } from '../support/orders.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'

export interface Acme {
  readonly app: TestApp
  /** Owner of Acme. */
  readonly ada: Agent
  /** Developer there. */
  readonly dan: Agent
  /** Viewer there. */
  readonly vera: Agent
  /** Owner of Umbrella. */
  readonly otto: Agent
  /** In nothing. */
  readonly bob: Agent
  /** Of the server. */
  readonly root: Agent
}

const person = (username: string) => ({ username, name: username, password: PASSWORD })

export async function startAcme(): Promise<Acme> {
  const app = await startApp(
    {},
    {
      ...ordersFile,
      accounts: [
        ...ordersFile.accounts,
        ...['dan', 'vera', 'otto'].map(person),
        { ...person('root'), admin: true },
      ],
      organizations: [
        {
          id: 'acme',
          name: 'Acme',
          members: [
            { account: 'ada', role: 'owner' },
            { account: 'dan', role: 'developer' },
            { account: 'vera', role: 'viewer' },
          ],
        },
        { id: 'umbrella', name: 'Umbrella', members: [{ account: 'otto', role: 'owner' }] },
      ],
    },
  )
  const at = (username: string) => signedInAgent(app, username)
  return {
    app,
    ada: await at('ada'),
    dan: await at('dan'),
    vera: await at('vera'),
    otto: await at('otto'),
    bob: await at('bob'),
    root: await at('root'),
  }
}

export type Fields = Record<string, string | readonly string[]>

/** The token of this person's forms. */
export async function csrfOf(who: Agent): Promise<string> {
  const page = parse((await who.get('/account/tokens/new')).text)
  return page.forms.at(-1)?.hidden.csrf ?? ''
}
