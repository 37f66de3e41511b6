// API keys and personal tokens, made at the front door by ada, who owns acme.
import type { Answer, Question } from '../http/ground.ts'
import type { Agent } from '../support/agent.ts'
import { answer, authorizationRequest } from '../support/authorization.ts'
import { ordersWeb } from '../support/orders.ts'

/** Whoever answers requests under an issuer: a server in this process or one of its own. */
export interface Node {
  readonly issuer: string
  ask(question: Question): Promise<Answer>
}

export interface MintedObject extends Record<string, unknown> {
  readonly id: string
  readonly secret: string
}

export interface Maker {
  /** The session's headers, fit for changes. */
  readonly headers: Record<string, string>
  /** Of the client `billing` unless the fields say otherwise. */
  key(fields: object): Promise<MintedObject>
  /** Ada's own. */
  token(fields: object): Promise<MintedObject>
}

/** Signs ada in. */
export async function createMaker(node: Node, agent: Agent): Promise<Maker> {
  await answer(agent, await agent.get(authorizationRequest(node.issuer, ordersWeb).url))
  const page = await agent.get('/account')
  const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(page.text) ?? []
  const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { cookie, origin: node.issuer, 'x-csrf-token': csrf }
  const make = async (path: string, fields: object): Promise<MintedObject> => {
    const made = await node.ask({
      method: 'POST',
      path,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(fields),
    })
    if (made.status !== 201) throw new Error(`nothing made at ${path} but ${made.status}: ${made.text}`)
    return made.json() as MintedObject
  }
  return {
    headers,
    key: fields => make('/v1/api-keys', { client_id: 'billing', name: 'A key', ...fields }),
    token: fields => make('/v1/personal-access-tokens', { name: 'A token', ...fields }),
  }
}
