// Signing keys rotate on two processes while tokens are issued and verified: by verifiers that have nothing but the JWKS,
// each with a copy of another age. Time passes in the database and on the verifiers' clocks, not on ours.
import { Agent, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeProtectedHeader } from 'jose'
import { JWKS_MAX_AGE, PUBLISHED_BEFORE_USE } from '../../src/keys/rotate-signing-keys.ts'
import { type Answer, answerTo, type Question } from '../http/ground.ts'
import { type ApiHeaders, sessionOf } from '../support/api-callers.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { billing, ORDERS, ordersFile, PASSWORD } from '../support/orders.ts'
import { createPublishedKeys, type PublishedKeys } from '../support/published-keys.ts'
import { type Cluster, type ServerProcess, startCluster } from '../support/server-process.ts'
import { keysGrowOlder } from '../support/signing-key.ts'

const connections = new Agent({ keepAlive: true, maxSockets: 32 })

let cluster: Cluster
let root: ApiHeaders
beforeAll(async () => {
  const accounts = [
    ...ordersFile.accounts,
    { username: 'root', name: 'Root', password: PASSWORD, admin: true },
  ]
  cluster = await startCluster({ env: { LOG_LEVEL: 'warn' } }, { ...ordersFile, accounts })
  root = (await sessionOf(cluster, 'root')).headers
})
afterAll(async () => {
  connections.destroy()
  await cluster?.close()
})

/** As `node.ask`, on connections that stay open: there are many questions. */
function ask({ port, issuer }: ServerProcess, question: Question): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body } = question
  const outgoing = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    agent: connections,
    setHost: false,
    headers: { host: new URL(issuer).host, ...headers },
  })
  return answerTo(outgoing, body)
}

const nodeOf = (index: number): ServerProcess => cluster.nodes[index % 2 === 0 ? 0 : 1]

async function issue(index: number): Promise<string> {
  const params = { grant_type: 'client_credentials', resource: ORDERS }
  return tokenFrom(await ask(nodeOf(index), form('/token', billing, params))).access_token
}

async function rotate(index: number, body: object, query = ''): Promise<Record<string, unknown>> {
  const answer = await nodeOf(index).ask({
    method: 'POST',
    path: `/v1/signing-keys/rotate${query}`,
    headers: { ...root, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (answer.status !== 200) throw new Error(`not rotated: ${answer.status} ${answer.text}`)
  return answer.json()
}

const TOKENS = 50_000
const VERIFIERS = 5
const ROTATIONS = 8
/** Between two rotations time passes in as many steps, so that the copies run out one after the other. */
const STEPS = 4

const pause = () => new Promise(resolve => setTimeout(resolve, 5))

test('50,000 tokens are good for whoever keeps the JWKS as long as it may, through eight rotations', async () => {
  let ahead = 0
  const clock = () => performance.now() / 1000 + ahead
  const began = clock()
  const verifiers = Array.from({ length: VERIFIERS }, (_, index) =>
    createPublishedKeys({
      ask: question => ask(nodeOf(index), question),
      clock,
      ahead: (index * JWKS_MAX_AGE) / VERIFIERS,
    }),
  )
  const failures = new Map<string, number>()
  const signers = new Map<string, number>()
  let issued = 0
  let verified = 0
  /** So many may be issued before time goes on: however long it takes to pass, every key has its share. */
  let most = 0
  const parts = ROTATIONS * STEPS + 2

  /** Every token by one of them in turn, and some by all: those see the same key with copies of every age. */
  async function judge(token: string, index: number): Promise<void> {
    const own = verifiers.slice(index % VERIFIERS).slice(0, 1)
    for (const verifier of index % 20 === 0 ? verifiers : own) {
      const failure = await verifier.judge(token)
      verified += 1
      if (failure !== undefined) failures.set(failure, (failures.get(failure) ?? 0) + 1)
    }
  }

  async function work(): Promise<void> {
    while (issued < TOKENS) {
      if (issued >= most) {
        await pause()
        continue
      }
      issued += 1
      const index = issued
      const token = await issue(index)
      const kid = String(decodeProtectedHeader(token).kid)
      signers.set(kid, (signers.get(kid) ?? 0) + 1)
      await judge(token, index)
    }
  }

  async function passTime(): Promise<void> {
    for (let step = 1; step <= ROTATIONS * STEPS; step++) {
      most = (TOKENS * (step + 1)) / parts
      while (issued < (TOKENS * step) / parts) await pause()
      const seconds = PUBLISHED_BEFORE_USE / STEPS
      await keysGrowOlder(cluster.db, seconds)
      ahead += seconds
      if (step % STEPS === 0) await rotate(step / STEPS, { alg: 'ES256' })
    }
  }

  const passing = passTime().finally(() => {
    most = TOKENS
  })
  await Promise.all([passing, ...Array.from({ length: 12 }, work)])
  expect([...failures]).toEqual([])
  expect(verified).toBeGreaterThanOrEqual(TOKENS)
  // Each key has signed, and nobody asked for the JWKS more often than its copies ran out.
  expect(signers.size).toBe(ROTATIONS + 1)
  const renewals = Math.ceil((clock() - began) / JWKS_MAX_AGE) + 1
  for (const { asked } of verifiers) {
    expect(asked.times).toBeGreaterThan(ROTATIONS)
    expect(asked.times).toBeLessThanOrEqual(renewals)
  }
}, 1_200_000)

/** What all verifiers think of a token, in turn. */
const opinions = (verifiers: readonly PublishedKeys[], token: string) =>
  Promise.all(verifiers.map(verifier => verifier.judge(token)))

test('such verifiers notice a key that signs before they have it', async () => {
  const verifiers = [0, 1].map(index =>
    createPublishedKeys({ ask: question => ask(nodeOf(index), question), clock: () => 0 }),
  )
  expect(await opinions(verifiers, await issue(0))).toEqual([undefined, undefined])
  // Only an emergency does that: the second takes away the key that they have read about.
  for (const round of [0, 1]) {
    const kid = String(decodeProtectedHeader(await issue(round)).kid)
    await rotate(round, { emergency: true, kid }, '?wait=all&timeout=30')
  }
  for (const index of [0, 1]) {
    const token = await issue(index)
    const { kid } = decodeProtectedHeader(token)
    expect(await opinions(verifiers, token)).toEqual(Array(2).fill(`the key ${kid} is not published`))
  }
})

test('a key that ended on one process is neither used, published nor believed on the other', async () => {
  for (const round of [0, 1, 2, 3]) {
    const [mine, theirs] = [nodeOf(round), nodeOf(round + 1)]
    const tokens = await Promise.all([issue(0), issue(1)])
    const kids = tokens.map(token => String(decodeProtectedHeader(token).kid))
    expect(kids[0]).toBe(kids[1])
    for (const token of tokens)
      expect(await introspect(theirs, billing, token)).toMatchObject({ active: true })
    const body = { emergency: true, kid: kids[0] }
    expect(await rotate(round, body, '?wait=all&timeout=30')).toMatchObject({
      revoked: 1,
      nodes: { live: 2, acknowledged: 2 },
    })
    for (const node of [theirs, mine]) {
      for (const token of tokens) expect(await introspect(node, billing, token)).toEqual({ active: false })
      expect((await node.ask({ path: '/jwks' })).text).not.toContain(kids[0])
    }
    for (const index of [0, 1]) expect(decodeProtectedHeader(await issue(index)).kid).not.toBe(kids[0])
  }
})
