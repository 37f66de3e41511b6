// Callers of the JSON API: every kind of credential, as a program or a browser presents it.
import { type Answer, ask } from '../http/ground.ts'
import type { TestApp } from './app.ts'
import { codeFlow, type FlowClient, protocolPost } from './authorization.ts'
import { parse } from './html.ts'
import { PASSWORD } from './orders.ts'

export type ApiHeaders = Record<string, string>

export interface Caller {
  /** Sends JSON; a text is sent as it is. */
  call(method: string, path: string, body?: unknown, headers?: ApiHeaders): Promise<Answer>
  /** The headers that are its credential. */
  readonly headers: ApiHeaders
}

export function callerWith(app: Pick<TestApp, 'issuer'>, headers: ApiHeaders): Caller {
  const server = { issuer: app.issuer, port: Number(new URL(app.issuer).port) }
  return {
    headers,
    call: (method, path, body, more = {}) =>
      ask(server, {
        method,
        path,
        headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }), ...more },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  }
}

/** What the answer holds; a test that expected a success is told what came instead. */
export async function contentOf(answered: Promise<Answer>): Promise<Record<string, unknown>> {
  const answer = await answered
  if (answer.status >= 300) throw new Error(`no success but ${answer.status}: ${answer.text}`)
  return answer.status === 204 ? {} : answer.json()
}

export const nobody = (app: Pick<TestApp, 'issuer'>): Caller => callerWith(app, {})

export const bearer = (app: Pick<TestApp, 'issuer'>, token: string): Caller =>
  callerWith(app, { authorization: `Bearer ${token}` })

/** The browser session, with what a script of our own page would send. */
export async function sessionOf(app: Pick<TestApp, 'agent' | 'issuer'>, username: string): Promise<Caller> {
  const agent = app.agent()
  await agent.submit(await agent.get('/sign-in'), { username, password: PASSWORD }, { button: 'Sign in' })
  const { csrf } = parse((await agent.get('/account')).text).forms[0]?.hidden ?? {}
  if (csrf === undefined) throw new Error(`${username} could not sign in`)
  const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return callerWith(app, {
    cookie,
    origin: app.issuer,
    'sec-fetch-site': 'same-origin',
    'x-csrf-token': csrf,
  })
}

/** A client's own access token for the JSON API. @param scope all that its ceiling has unless given */
export async function clientToken(app: TestApp, client: FlowClient, scope?: string): Promise<Caller> {
  const { body } = await protocolPost(app.issuer, '/token', client, {
    grant_type: 'client_credentials',
    resource: `${app.issuer}/v1`,
    ...(scope !== undefined && { scope }),
  })
  if (body.access_token === undefined) throw new Error(`no token but ${JSON.stringify(body)}`)
  return bearer(app, body.access_token)
}

/** A person's access token for the JSON API, from a code flow. */
export async function personToken(
  app: TestApp,
  client: FlowClient,
  username: string,
  scope: string,
): Promise<Caller> {
  const params = { scope: `openid ${scope}`, resource: `${app.issuer}/v1` }
  const { redirect, token } = await codeFlow(app.issuer, app.agent(), client, {
    params,
    person: { username },
  })
  if (token.body.access_token === undefined)
    throw new Error(`no token but ${redirect.toString()} and ${JSON.stringify(token.body)}`)
  return bearer(app, token.body.access_token)
}

/** Makes something and gives its JSON. @throws when it was not made */
export async function made(caller: Caller, path: string, body: unknown): Promise<Record<string, unknown>> {
  const answer = await caller.call('POST', path, body)
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`)
  return answer.json()
}
