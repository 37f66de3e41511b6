// Single use under parallel use: two server processes on one database, and every read of the database takes 50 ms longer
// than it does, so that whoever reads first and acts on it later is caught. The last part breaks the storage on purpose
// and sees that the same checks notice.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Answer, Question } from '../http/ground.ts'
import type { Agent } from '../support/agent.ts'
import { answer, authorizationRequest, redirectOf } from '../support/authorization.ts'
import { form, introspect, statuses, type Tokens, tokenFrom } from '../support/node-requests.ts'
import { ordersFile, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'
import { createStatusReader, readFrom } from '../support/status-reader.ts'

const SLOW = {
  delayAfterReads: 50,
  env: { DATABASE_POOL_SIZE: '20', REFRESH_GRACE: '10m', LOG_LEVEL: 'warn' },
}

type Client = typeof ordersWeb | typeof ordersSpa

/** What only one of many may have: a code and what it takes to exchange it. */
async function codeRequest(cluster: Cluster, agent: Agent, client: Client = ordersWeb): Promise<Question> {
  const scope = client === ordersWeb ? 'openid read:orders' : 'openid read:stock'
  const resource = client === ordersWeb ? undefined : STOCK
  const { url, verifier } = authorizationRequest(cluster.issuer, client, { scope, resource })
  const redirect = redirectOf(await answer(agent, await agent.get(url)))
  return form('/token', client, {
    grant_type: 'authorization_code',
    code: redirect.get('code') ?? '',
    redirect_uri: client.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
  })
}

async function family(cluster: Cluster, agent: Agent, client: Client = ordersWeb): Promise<Tokens> {
  return tokenFrom(await cluster.nodes[0].ask(await codeRequest(cluster, agent, client)))
}

const refresh = (token: string, client: Client = ordersWeb) =>
  form('/token', client, { grant_type: 'refresh_token', refresh_token: token })

/** 20 exchanges of one code: one success, and every other one says why not. */
async function exchangeTogether(cluster: Cluster, agent: Agent): Promise<Answer[]> {
  const request = await codeRequest(cluster, agent)
  return cluster.together(20, () => request)
}

function expectOneExchange(answers: readonly Answer[]): void {
  expect(statuses(answers)).toEqual({ 200: 1, 400: 19 })
  for (const one of answers)
    if (one.status === 400) expect(one.json()).toMatchObject({ error: 'invalid_grant' })
}

/** 20 uses of one refresh token: whoever succeeds gets the same successor, and one row of the family is alive. */
async function refreshTogether(
  cluster: Cluster,
  agent: Agent,
): Promise<{ answers: Answer[]; alive: number }> {
  const { refresh_token } = await family(cluster, agent)
  const answers = await cluster.together(20, () => refresh(refresh_token))
  const { rows } = await aliveInNewestFamily(cluster)
  return { answers, alive: rows }
}

async function aliveInNewestFamily({ db }: Cluster): Promise<{ rows: number; grant: string }> {
  const grant = await db
    .selectFrom('authorization_grant')
    .select(['id', 'ended_at'])
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  const rows = await db
    .selectFrom('refresh_token')
    .select('id_hash')
    .where('grant_id', '=', grant.id)
    .where('consumed_at', 'is', null)
    .execute()
  return { rows: grant.ended_at === null ? rows.length : 0, grant: grant.id }
}

function expectOneSuccessor({ answers, alive }: { answers: readonly Answer[]; alive: number }): void {
  const good = answers.filter(({ status }) => status === 200)
  expect(good.length).toBeGreaterThan(0)
  expect(new Set(good.map(one => tokenFrom(one).refresh_token)).size).toBe(1)
  for (const one of answers)
    if (one.status !== 200) {
      expect(one.status).toBe(400)
      expect(one.json()).toMatchObject({ error: 'invalid_grant' })
    }
  expect(alive).toBe(1)
}

describe('two processes', () => {
  let cluster: Cluster
  /** Ada's browser: signed in, and has allowed both clients. */
  let ada: Agent
  beforeAll(async () => {
    cluster = await startCluster(SLOW, ordersFile)
    ada = cluster.agent()
    await family(cluster, ada)
    await family(cluster, ada, ordersSpa)
  })
  afterAll(() => cluster?.close())

  /** Of each token in turn, on both nodes, until it is refused. */
  async function expectDead(tokens: readonly string[], client: Client = ordersWeb): Promise<void> {
    for (const node of cluster.nodes)
      for (const token of tokens)
        await until(
          'the token is refused',
          async () => (await introspect(node, client, token)).active === false,
        )
  }

  const isAlive = async (token: string, client: Client = ordersWeb) =>
    (await Promise.all(cluster.nodes.map(node => introspect(node, client, token)))).every(
      ({ active }) => active,
    )

  test('20 exchanges of one code: one success, then its tokens end', async () => {
    const answers = await exchangeTogether(cluster, ada)
    expectOneExchange(answers)
    // A code that is used twice was stolen by one of the two (RFC 6749, section 4.1.2).
    const tokens = tokenFrom(answers.find(({ status }) => status === 200))
    await expectDead([tokens.access_token, tokens.refresh_token])
  })

  test('20 uses of one refresh token: one successor', async () => {
    expectOneSuccessor(await refreshTogether(cluster, ada))
  })

  test('the successor works, and using it ends the grace', async () => {
    const first = await family(cluster, ada)
    const [one, same] = (await cluster.together(2, () => refresh(first.refresh_token))).map(tokenFrom)
    expect(same?.refresh_token).toBe(one?.refresh_token)
    expect(await isAlive(one?.access_token ?? '')).toBe(true)
    const next = tokenFrom(await cluster.nodes[1].ask(refresh(one?.refresh_token ?? '')))
    expect(next.refresh_token).not.toBe(one?.refresh_token)

    const late = await cluster.nodes[0].ask(refresh(first.refresh_token))
    expect([late.status, late.json().error]).toEqual([400, 'invalid_grant'])
    await expectDead(
      [first, one, next].flatMap(tokens => [tokens?.access_token ?? '', tokens?.refresh_token ?? '']),
    )
    expect((await cluster.nodes[1].ask(refresh(next.refresh_token))).status).toBe(400)
  })

  test('a spent token after the grace ends the family and is audited', async () => {
    const first = await family(cluster, ada)
    const next = tokenFrom(await cluster.nodes[0].ask(refresh(first.refresh_token)))
    const { grant } = await aliveInNewestFamily(cluster)
    await cluster.db
      .updateTable('refresh_token')
      .set({ consumed_at: new Date('2026-01-01') })
      .where('grant_id', '=', grant)
      .where('consumed_at', 'is not', null)
      .execute()
    const late = await cluster.nodes[1].ask(refresh(first.refresh_token))
    expect([late.status, late.json().error]).toEqual([400, 'invalid_grant'])
    expect((await cluster.nodes[0].ask(refresh(next.refresh_token))).status).toBe(400)
    await expectDead([next.access_token, next.refresh_token])
    const events = await cluster.db
      .selectFrom('audit_event')
      .select(['type', 'client_id', 'detail'])
      .where('type', '=', 'refresh_reuse')
      .execute()
    expect(
      events.map(({ client_id, detail }) => [client_id, (detail as { grant_id?: string }).grant_id]),
    ).toContainEqual(['orders-web', grant])
  })

  test("another client's use of a spent token is refused and ends nothing", async () => {
    const first = await family(cluster, ada)
    const next = tokenFrom(await cluster.nodes[0].ask(refresh(first.refresh_token)))
    const stranger = await cluster.nodes[1].ask(refresh(first.refresh_token, ordersSpa))
    expect([stranger.status, stranger.json().error]).toEqual([400, 'invalid_grant'])
    expect(await isAlive(next.refresh_token)).toBe(true)
  })

  test.each([
    ['JWT', ordersWeb],
    ['opaque', ordersSpa],
  ])('refreshes that race with the end of the family leave nothing alive (%s)', async (_format, client) => {
    const first = await family(cluster, ada, client)
    const answers = await cluster.together(13, index =>
      index === 6
        ? form('/revoke', client, { token: first.refresh_token })
        : refresh(first.refresh_token, client),
    )
    expect(answers[6]?.status).toBe(200)
    const received = answers.filter((one, index) => index !== 6 && one.status === 200).map(tokenFrom)
    const tokens = [first, ...received].flatMap(one => [one.access_token, one.refresh_token])
    await expectDead(tokens, client)
    for (const token of new Set([first, ...received].map(one => one.refresh_token)))
      expect((await cluster.nodes[1].ask(refresh(token, client))).status).toBe(400)
    if (client === ordersWeb)
      for (const node of cluster.nodes) {
        const reader = createStatusReader(cluster.issuer, readFrom(node))
        for (const { access_token } of [first, ...received])
          expect(await reader.statusOf(access_token)).toBe(1)
      }
  })

  test('nothing of all this was a failure of ours', () => {
    const failures = cluster.nodes.flatMap(node =>
      node
        .log()
        .split('\n')
        .filter(line => line.includes('"level":50')),
    )
    expect(failures).toEqual([])
  })
})

test('a storage that looks before it marks is noticed', async () => {
  const cluster = await startCluster({ ...SLOW, brokenStorage: true }, ordersFile)
  try {
    const ada = cluster.agent()
    const exchanges = await exchangeTogether(cluster, ada)
    expect(() => expectOneExchange(exchanges)).toThrow()
    expect(exchanges.filter(({ status }) => status === 200).length).toBeGreaterThan(1)
    const refreshes = await refreshTogether(cluster, ada)
    expect(() => expectOneSuccessor(refreshes)).toThrow()
    const successors = refreshes.answers
      .filter(({ status }) => status === 200)
      .map(one => tokenFrom(one).refresh_token)
    expect(new Set(successors).size).toBeGreaterThan(1)
  } finally {
    await cluster.close()
  }
})
