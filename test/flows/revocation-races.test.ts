// What is under way while something is ended: on two processes, where every read of the database takes 50 ms longer, so
// that whoever looked before the end acts after it. Nothing that came of it is alive afterwards, here or in a status list.

import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Answer } from '../http/ground.ts'
import type { Agent } from '../support/agent.ts'
import { authorizationRequest, codeFlow } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { accountIdOf, allKnow } from '../support/minted.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { billing, ORDERS, ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'
import { createStatusReader, readFrom } from '../support/status-reader.ts'

const SLOW = {
  delayAfterReads: 50,
  env: { DATABASE_POOL_SIZE: '20', REFRESH_GRACE: '10m', LOG_LEVEL: 'warn' },
}
const ROUNDS = 3

let cluster: Cluster
let root: Record<string, string>
let people = 0
beforeAll(async () => {
  cluster = await startCluster(SLOW, ordersFile)
  await apply({ accounts: [{ username: 'root', password: PASSWORD, admin: true }] })
  const agent = cluster.agent()
  await agent.submit(await agent.get('/sign-in'), { username: 'root', password: PASSWORD })
  const { csrf = '' } = parse((await agent.get('/account')).text).forms[0]?.hidden ?? {}
  root = { cookie: cookieOf(agent), origin: cluster.issuer, 'x-csrf-token': csrf }
})
afterAll(() => cluster?.close())

const cookieOf = (agent: Agent) => [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')

async function apply(file: object): Promise<void> {
  await cluster.apply(file)
  await allKnow(cluster)
}

async function call(method: string, path: string, body: object): Promise<Answer> {
  const headers = { ...root, 'content-type': 'application/json' }
  const answered = await cluster.nodes[0].ask({ method, path, headers, body: JSON.stringify(body) })
  if (answered.status >= 300) throw new Error(`${method} ${path}: ${answered.status} ${answered.text}`)
  return answered
}

const WAIT = '?wait=all&timeout=30'

async function revoke(filter: object): Promise<void> {
  const { plan } = (await call('POST', '/v1/revocations', filter)).json()
  await call('POST', `/v1/revocations${WAIT}`, { ...filter, dry_run: false, plan })
}

interface Person {
  readonly id: string
  readonly agent: Agent
  readonly refreshToken: string
}

const SCOPE = { scope: 'openid offline_access read:orders', resource: ORDERS }

/** Signed in, and has allowed the web application. */
async function person(): Promise<Person> {
  const username = `person-${++people}`
  await apply({ accounts: [{ username, password: PASSWORD }] })
  const agent = cluster.agent()
  const { token } = await codeFlow(cluster.issuer, agent, ordersWeb, { params: SCOPE, person: { username } })
  const { refresh_token: refreshToken = '' } = token.body
  return { id: await accountIdOf(cluster.db, username), agent, refreshToken }
}

const isSetInList = async (token: string) =>
  (await createStatusReader(cluster.issuer, readFrom(cluster.nodes[1])).statusOf(token)) === 1

async function expectDead(tokens: readonly string[], asker = ordersWeb): Promise<void> {
  for (const token of tokens) {
    for (const node of cluster.nodes) expect((await introspect(node, asker, token)).active).toBe(false)
    expect(await isSetInList(token)).toBe(true)
  }
}

async function livingOf(accountId: string): Promise<number> {
  const { rows } = await sql`
    SELECT FROM session WHERE account_id = ${accountId} AND ended_at IS NULL
    UNION ALL SELECT FROM authorization_grant WHERE account_id = ${accountId} AND ended_at IS NULL
  `.execute(cluster.db)
  return rows.length
}

/** Refreshes on both nodes until it is refused; gives every access token that it got. */
async function refreshUntilRefused(first: string): Promise<string[]> {
  const tokens: string[] = []
  let current = first
  for (let round = 0; round < 200; round++) {
    const node = cluster.nodes[round % 2 === 0 ? 0 : 1]
    const params = { grant_type: 'refresh_token', refresh_token: current }
    const answered = await node.ask(form('/token', ordersWeb, params))
    if (answered.status !== 200) return tokens
    const { access_token, refresh_token } = tokenFrom(answered)
    tokens.push(access_token)
    current = refresh_token
  }
  throw new Error('the refresh tokens never end')
}

/** Goes through authorization requests that need no question until one of them leads to a page. */
async function authorizeUntilAsked({ agent }: Person): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const { url } = authorizationRequest(cluster.issuer, ordersWeb, { ...SCOPE, prompt: undefined })
    const page = await agent.follow(await agent.get(url))
    if (page.location === undefined) return
  }
  throw new Error('nobody is ever asked')
}

type End = (id: string) => Promise<unknown>

const ENDS: readonly [string, End][] = [
  ['everything of the account is revoked', id => revoke({ account_id: id })],
  ['the account is disabled', id => call('PATCH', `/v1/accounts/${id}${WAIT}`, { disabled: true })],
]

test.each(ENDS)('refreshes and authorization requests while %s', async (_name, end) => {
  for (let round = 0; round < ROUNDS; round++) {
    const somebody = await person()
    const running = Promise.all([
      refreshUntilRefused(somebody.refreshToken),
      authorizeUntilAsked(somebody),
      authorizeUntilAsked(somebody),
    ])
    await end(somebody.id)
    const [tokens] = await running
    await allKnow(cluster)
    expect(await livingOf(somebody.id)).toBe(0)
    await expectDead(tokens)
  }
})

test('an account that is enabled again has nothing of before', async () => {
  const somebody = await person()
  const running = Promise.all([authorizeUntilAsked(somebody), refreshUntilRefused(somebody.refreshToken)])
  await call('PATCH', `/v1/accounts/${somebody.id}`, { disabled: true })
  const [, tokens] = await running
  await call('PATCH', `/v1/accounts/${somebody.id}${WAIT}`, { disabled: false })
  expect(await livingOf(somebody.id)).toBe(0)
  await expectDead(tokens)
  expect((await somebody.agent.get('/account')).status).toBe(303)
})

test('an answer to the question of consent that comes when the session ends', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const somebody = await person()
    const { url } = authorizationRequest(cluster.issuer, ordersWeb, { ...SCOPE, prompt: 'consent' })
    const page = await somebody.agent.follow(await somebody.agent.get(url))
    const [form] = parse(page.text).forms.filter(({ buttons }) => buttons.includes('Allow'))
    const scope = form?.checkboxes.map(({ value }) => value) ?? []
    await Promise.all([
      somebody.agent.submit(page, { decision: 'allow', scope }, { button: 'Allow' }),
      revoke({ account_id: somebody.id }),
    ])
    await allKnow(cluster)
    expect(await livingOf(somebody.id)).toBe(0)
  }
})

/** Tokens that the client gets for itself, two from each node. */
async function issue(): Promise<string[]> {
  const request = form('/token', billing, { grant_type: 'client_credentials', resource: ORDERS })
  const answers = await cluster.together(4, () => request)
  return answers.filter(({ status }) => status === 200).map(one => tokenFrom(one).access_token)
}

/** Until it gets none. @param begun is told when it has got some */
async function issueUntilRefused(begun: () => void): Promise<string[]> {
  const tokens: string[] = []
  for (let round = 0; round < 1_000; round++) {
    const good = await issue()
    if (good.length === 0) return tokens
    tokens.push(...good)
    begun()
  }
  throw new Error('the client gets tokens for ever')
}

test('JWTs that a client gets while it is disabled', async () => {
  const begun = Promise.withResolvers<void>()
  const running = issueUntilRefused(begun.resolve)
  await Promise.race([begun.promise, running])
  await call('PATCH', `/v1/clients/billing${WAIT}`, { disabled: true })
  const tokens = await running
  expect(tokens.length).toBeGreaterThan(0)
  for (const token of tokens) {
    const headers = { authorization: `Bearer ${token}` }
    for (const node of cluster.nodes)
      expect((await node.ask({ path: '/v1/credentials/self', headers })).status).toBe(401)
    expect(await isSetInList(token)).toBe(true)
  }
  // As online, so in the list: what is opened again is good again.
  await call('PATCH', '/v1/clients/billing', { disabled: false })
  await allKnow(cluster)
  for (const token of tokens.slice(0, 1)) {
    expect((await introspect(cluster.nodes[1], billing, token)).active).toBe(true)
    expect(await isSetInList(token)).toBe(false)
  }
})

test('JWTs that a client has when all that it got for itself is revoked', async () => {
  const before = await issue()
  await revoke({ client_id: 'billing', kind: 'client-tokens' })
  expect(before).toHaveLength(4)
  await expectDead(before, billing)
  // Tokens say in whole seconds when they were issued: those of the same second are refused as well.
  let token = ''
  await until('a new token is taken', async () => {
    token = (await issue())[0] ?? ''
    return (await introspect(cluster.nodes[1], billing, token)).active === true
  })
  for (const node of cluster.nodes) expect((await introspect(node, billing, token)).active).toBe(true)
  expect(await isSetInList(token)).toBe(false)
})
