// 20,000 JWTs from two processes, one of which is killed on the way; 1,000 and some are revoked one by one while the rest is
// issued, one client and some grants as a whole. An API that knows lists and keys only sees exactly those.
import { Agent as Connections, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { type Answer, answerTo, type Question } from '../http/ground.ts'
import type { Agent } from '../support/agent.ts'
import { answer, authorizationRequest, redirectOf } from '../support/authorization.ts'
import { form, type Tokens, tokenFrom } from '../support/node-requests.ts'
import { ORDERS, ordersFile, ordersWeb } from '../support/orders.ts'
import { type Cluster, type ServerProcess, startCluster, startServer } from '../support/server-process.ts'
import { createStatusReader, readFrom } from '../support/status-reader.ts'
import { createMaker } from '../verify/minted.ts'

const TOKENS = 20_000
/** Of all services in turn; more than 1,000 in all. */
const REVOKED_EVERY = 19
const KILL_AT = 7_000
const DELETE_AT = 13_000
const AT_ONCE = 8

const services = Array.from({ length: 10 }, (_, at) => ({
  client_id: `service-${at}`,
  client_secret: `secret-of-service-${at}-for-tests-only-0123456789`,
  organization: 'acme',
  grant_types: ['client_credentials'],
  resource_scopes: { [ORDERS]: ['read:orders'] },
}))
const doomed = 'service-3'

const SETTINGS = { env: { LOG_LEVEL: 'warn' } }

let cluster: Cluster
let nodes: ServerProcess[]
const connections = new Connections({ keepAlive: true, maxSockets: 64 })
beforeAll(async () => {
  cluster = await startCluster(SETTINGS, { ...ordersFile, clients: [...ordersFile.clients, ...services] })
  nodes = [...cluster.nodes]
})
afterAll(async () => {
  connections.destroy()
  await Promise.all(nodes.map(node => node.end()))
  await cluster?.close()
})

/** Over connections that stay: 20,000 new ones would be another test. */
function ask(node: ServerProcess, { method = 'GET', path, headers, body }: Question): Promise<Answer> {
  const host = new URL(cluster.issuer).host
  const options = { host: '127.0.0.1', port: node.port, method, path, agent: connections }
  return answerTo(request({ ...options, headers: { ...headers, host } }), body)
}

interface Issued {
  readonly token: string
  /** What a resource server must see. */
  readonly revoked: 'alone' | 'with its owner' | false
}

async function issue(): Promise<Issued[]> {
  const issued: Issued[] = []
  let begun = 0
  let killed: Promise<unknown> | undefined
  let deleted: Promise<unknown> | undefined
  const gone = new Set<ServerProcess>()

  async function kill(): Promise<void> {
    const [, second] = nodes
    if (!second) return
    gone.add(second)
    await second.end('SIGKILL')
    const { url: databaseUrl } = cluster.database
    nodes.push(await startServer({ ...SETTINGS, databaseUrl, issuer: cluster.issuer }))
  }

  async function deleteDoomed(): Promise<void> {
    const [first] = cluster.nodes
    const { headers } = await createMaker(first, cluster.agent())
    const path = `/v1/clients/${doomed}?wait=all&timeout=30`
    expect((await first.ask({ method: 'DELETE', path, headers })).status).toBe(200)
  }

  async function oneToken(at: number): Promise<void> {
    const service = services[at % services.length]
    const alive = nodes.filter(node => !gone.has(node))
    const node = alive[at % alive.length]
    const other = alive[(at + 1) % alive.length]
    if (!service || !node || !other) throw new Error('nobody to ask')
    const params = { grant_type: 'client_credentials', resource: ORDERS }
    const given = await ask(node, form('/token', service, params))
    if (given.status === 401 && service.client_id === doomed && deleted) return
    const token = tokenFrom(given).access_token
    if (at % REVOKED_EVERY === 0) {
      await revoke(other, form('/revoke', service, { token }))
      issued.push({ token, revoked: 'alone' })
    } else issued.push({ token, revoked: service.client_id === doomed && 'with its owner' })
  }

  /** Until somebody has answered: what was said to a node that died meanwhile may not have happened. */
  async function revoke(node: ServerProcess, question: Question): Promise<void> {
    try {
      expect([200, 401]).toContain((await ask(node, question)).status)
    } catch (error) {
      if (!isCut(error)) throw error
      await revoke(cluster.nodes[0], question)
    }
  }

  async function work(): Promise<void> {
    while (issued.length < TOKENS) {
      const at = begun
      begun += 1
      if (issued.length >= KILL_AT) killed ??= kill()
      if (issued.length >= DELETE_AT) deleted ??= deleteDoomed()
      try {
        await oneToken(at)
      } catch (error) {
        // What was in flight there when it died. Nobody has received that token.
        if (gone.size === 0 || !isCut(error)) throw error
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  await Promise.all([killed, deleted])
  return issued
}

const isCut = (error: unknown) =>
  ['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(String((error as { code?: unknown }).code))

/** Ada's: a code and some refreshes, each on another node. */
async function family(agent: Agent): Promise<Tokens[]> {
  const { url, verifier } = authorizationRequest(cluster.issuer, ordersWeb, { scope: 'openid read:orders' })
  const redirect = redirectOf(await answer(agent, await agent.get(url)))
  const params = {
    grant_type: 'authorization_code',
    code: redirect.get('code') ?? '',
    redirect_uri: ordersWeb.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
  }
  const all = [tokenFrom(await cluster.nodes[0].ask(form('/token', ordersWeb, params)))]
  for (let times = 0; times < 10; times++) {
    const refresh_token = all.at(-1)?.refresh_token ?? ''
    const again = form('/token', ordersWeb, { grant_type: 'refresh_token', refresh_token })
    all.push(tokenFrom(await cluster.nodes[times % 2 === 0 ? 1 : 0].ask(again)))
  }
  return all
}

test('an API that knows lists and keys only sees exactly what was revoked', async () => {
  const agent = cluster.agent()
  const families = [await family(agent), await family(agent), await family(agent)]
  const issued = await issue()
  for (const [at, tokens] of families.entries()) {
    const revoked = at !== 1 && 'with its owner'
    const token = tokens.at(-1)?.refresh_token ?? ''
    if (revoked) await cluster.nodes[0].ask(form('/revoke', ordersWeb, { token }))
    for (const { access_token } of tokens) issued.push({ token: access_token, revoked })
  }
  expect(issued.length).toBeGreaterThanOrEqual(TOKENS)

  const places = issued.map(({ token }) => {
    const { status } = decodeJwt<{ status: { status_list: { idx: number; uri: string } } }>(token)
    return `${status.status_list.uri} ${status.status_list.idx}`
  })
  expect(new Set(places).size).toBe(issued.length)

  const expected = issued.map(({ revoked }) => (revoked ? 1 : 0))
  expect(issued.filter(({ revoked }) => revoked === 'alone').length).toBeGreaterThanOrEqual(1_000)
  const [first, , third] = nodes
  for (const node of [first, third]) {
    if (!node) throw new Error('a node is missing')
    const reader = createStatusReader(cluster.issuer, readFrom(node))
    const seen: number[] = []
    for (const { token } of issued) seen.push(await reader.statusOf(token))
    const wrong = seen.flatMap((status, at) =>
      status === expected[at] ? [] : [{ at, status, place: places[at] }],
    )
    expect(wrong).toEqual([])
  }
}, 600_000)
