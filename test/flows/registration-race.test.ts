// The quota of open registration holds however many register at once: two server processes on one database, whose reads
// take 50 ms longer than they do.
import { afterEach, expect, test } from '@jest/globals'
import { MOST_OF_NETWORK } from '../../src/clients/registration-quota.ts'
import { ordersFile } from '../support/orders.ts'
import { fillQuota, REDIRECT_URI } from '../support/registration.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'

const QUESTION = {
  method: 'POST',
  path: '/register',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ redirect_uris: [REDIRECT_URI] }),
}
const LEFT = 3

let cluster: Cluster
afterEach(() => cluster?.close())

test('as many as there is room for', async () => {
  cluster = await startCluster(
    {
      delayAfterReads: 50,
      env: { DATABASE_POOL_SIZE: '20', LOG_LEVEL: 'warn', CLIENT_REGISTRATION: 'open' },
    },
    ordersFile,
  )
  const first = await cluster.nodes[0].ask(QUESTION)
  expect(first.status).toBe(201)
  const { client_id: id } = first.json() as { client_id: string }
  await fillQuota(cluster.db, id, MOST_OF_NETWORK - 1 - LEFT)
  const answers = await cluster.together(20, () => QUESTION)
  expect(answers.map(({ status }) => status).sort()).toEqual([
    ...Array<number>(LEFT).fill(201),
    ...Array<number>(20 - LEFT).fill(429),
  ])
})
