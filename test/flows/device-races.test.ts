// A device and the person who lets it in, many times at the same moment, on two server processes whose reads take 50 ms
// longer than they do. The last part breaks the storage and sees that the same checks notice.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Answer } from '../http/ground.ts'
import type { Agent, Page } from '../support/agent.ts'
import { errorOf } from '../support/answers.ts'
import {
  askForCodes,
  DEVICE_GRANT,
  decide,
  devicesFile,
  enterCode,
  openDevicePage,
  television,
} from '../support/devices.ts'
import { form, formOf, introspect, postAs, statuses, tokenFrom } from '../support/node-requests.ts'
import { until } from '../support/process.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'

const SLOW = { delayAfterReads: 50, env: { DATABASE_POOL_SIZE: '20', LOG_LEVEL: 'warn' } }
const TIMES = 20

const pollOf = (code: string) => form('/token', television, { grant_type: DEVICE_GRANT, device_code: code })

const counted = (answers: readonly Answer[]) =>
  Object.fromEntries(
    [...Map.groupBy(answers, answer => String(errorOf(answer)))].map(([error, all]) => [error, all.length]),
  )

async function exchangeTogether(cluster: Cluster, agent: Agent): Promise<Answer[]> {
  const { device_code, user_code } = await askForCodes(cluster.issuer)
  await decide(agent, await enterCode(agent, user_code), 'allow')
  return cluster.together(TIMES, () => pollOf(device_code))
}

function expectOneExchange(answers: readonly Answer[]): void {
  expect(statuses(answers)).toEqual({ 200: 1, 400: TIMES - 1 })
  expect(counted(answers.filter(({ status }) => status === 400))).toEqual({ invalid_grant: TIMES - 1 })
}

const newestCode = ({ db }: Cluster) =>
  db.selectFrom('device_code').selectAll().orderBy('created_at', 'desc').limit(1).executeTakeFirstOrThrow()

const grantsOf = async ({ db }: Cluster) =>
  (await db.selectFrom('authorization_grant').select('id').where('client_id', '=', 'orders-tv').execute())
    .length

describe('two processes', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster(SLOW, devicesFile)
  })
  afterAll(() => cluster?.close())

  test('20 exchanges of one device code: one success, then its tokens end', async () => {
    const answers = await exchangeTogether(cluster, cluster.agent())
    expectOneExchange(answers)
    const tokens = tokenFrom(answers.find(({ status }) => status === 200))
    for (const node of cluster.nodes)
      for (const token of [tokens.access_token, tokens.refresh_token])
        await until(
          'the token is refused',
          async () => (await introspect(node, television, token)).active === false,
        )
  })

  test('20 polls at once: one is in time, each of the others is slowed down', async () => {
    const { device_code } = await askForCodes(cluster.issuer)
    const answers = await cluster.together(TIMES, () => pollOf(device_code))
    expect(counted(answers)).toEqual({ authorization_pending: 1, slow_down: TIMES - 1 })
    expect((await newestCode(cluster)).poll_interval).toBe(5 + 5 * (TIMES - 1))
  })

  test('20 answers of one person at once: one decision, and a grant only if it is yes', async () => {
    const agent = cluster.agent()
    const { user_code } = await askForCodes(cluster.issuer)
    const question = await enterCode(agent, user_code)
    const { action, hidden } = formOf(question, 'Allow')
    const before = await grantsOf(cluster)
    const answers = await cluster.together(TIMES, index =>
      postAs(cluster.issuer, agent, action, {
        ...hidden,
        scope: 'read:orders',
        decision: Math.floor(index / 2) % 2 === 0 ? 'allow' : 'deny',
      }),
    )
    // Whoever was too late either sees that, or is led to what was decided.
    expect(answers.filter(({ status }) => status === 303).length).toBeGreaterThan(0)
    for (const { status } of answers) expect([303, 410]).toContain(status)
    const { decided_at, grant_id } = await newestCode(cluster)
    expect(decided_at).not.toBeNull()
    expect(await grantsOf(cluster)).toBe(before + (grant_id === null ? 0 : 1))
  })

  test('two browsers that enter one code at once: it is for one of them', async () => {
    const people: { agent: Agent; page: Page }[] = []
    for (const username of ['ada', 'bob']) {
      const agent = cluster.agent()
      people.push({ agent, page: await openDevicePage(agent, username) })
    }
    // Wrong tries are counted: as many as nobody minds.
    for (let round = 0; round < 3; round++) {
      const { user_code, device_code } = await askForCodes(cluster.issuer)
      const answers = await cluster.together(2, index => {
        const { agent, page } = people[index] ?? people[0] ?? never()
        const { action, hidden } = formOf(page, 'Continue')
        return postAs(cluster.issuer, agent, action, { ...hidden, user_code })
      })
      expect(answers.map(({ status }) => status).sort()).toEqual([303, 422])
      const [winner, loser] = answers[0]?.status === 303 ? [0, 1] : [1, 0]
      const address = String(answers[winner]?.headers.location)
      expect((await people[loser]?.agent.get(address))?.status).toBe(410)
      const question = await people[winner]?.agent.get(address)
      await decide(people[winner]?.agent ?? never(), question ?? never(), 'deny')
      expect(errorOf(await cluster.nodes[1].ask(pollOf(device_code)))).toBe('access_denied')
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
  const cluster = await startCluster({ ...SLOW, delayAfterReads: 250, brokenStorage: true }, devicesFile)
  try {
    const answers = await exchangeTogether(cluster, cluster.agent())
    expect(() => expectOneExchange(answers)).toThrow()
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(1)
  } finally {
    await cluster.close()
  }
})

function never(): never {
  throw new Error('there are two people')
}
