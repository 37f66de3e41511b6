// Every node sees every change, in whatever order transactions commit. A change that is held open while later ones commit
// has the smaller id and arrives last: whoever only asks for larger ids never sees it. The changes here are seen through
// the change log alone: JWT access tokens have no row, and clients are kept in memory.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import { changed } from '../../src/clients/client.ts'
import { createChangeLog } from '../../src/db/change-log.ts'
import type { Tx } from '../../src/db/connect.ts'
import { createLog } from '../../src/log.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { billing, ORDERS, ordersFile, reports, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster({ env: { LOG_LEVEL: 'warn' } }, ordersFile)
})
afterAll(() => cluster?.close())

/** A JWT: it has no grant and no session, so that only its own revocation can end it. */
async function issue(client = billing, resource = ORDERS): Promise<string> {
  const request = form('/token', client, { grant_type: 'client_credentials', resource })
  return tokenFrom(await cluster.nodes[0].ask(request)).access_token
}

const activeOn = async (token: string) =>
  (await Promise.all(cluster.nodes.map(node => introspect(node, billing, token)))).map(({ active }) => active)

const seenByBoth = (token: string) =>
  until('both nodes know that the token has ended', async () => !(await activeOn(token)).includes(true))

/** A transaction that a slow machine does not end: younger than what the nodes read again. */
const begin = () => cluster.database.another({ limitMs: 25_000 }).startTransaction().execute()

/** The rows that /revoke writes, in a transaction of the test's. */
async function revoke(tx: Tx, token: string): Promise<void> {
  const { jti: id = '' } = decodeJwt(token)
  const changeLog = createChangeLog({ db: cluster.db, log: createLog('silent') })
  await createRevocations({ db: cluster.db, changeLog }).revoke(tx, { kind: 'token', id, reason: 'revoked' })
}

/** Two revocations through the front door, one on each node; both nodes have read past their rows when it resolves. */
async function laterChanges(): Promise<void> {
  for (const node of cluster.nodes) {
    const token = await issue()
    expect((await node.ask(form('/revoke', billing, { token }))).status).toBe(200)
    await seenByBoth(token)
  }
}

test('a revocation that was held open while later ones committed', async () => {
  const token = await issue()
  const held = await begin()
  await revoke(held, token)
  await laterChanges()
  expect(await activeOn(token)).toEqual([true, true])
  await held.commit().execute()
  await seenByBoth(token)
})

test('a client edit that was held open while later changes committed', async () => {
  const request = form('/token', reports, { grant_type: 'client_credentials', resource: STOCK })
  const statuses = async () => (await cluster.together(2, () => request)).map(({ status }) => status)
  const held = await begin()
  await held
    .updateTable('client')
    .set({ disabled_at: sql<Date>`clock_timestamp()` })
    .where('client_id', '=', reports.client_id)
    .execute()
  await changed(held, reports.client_id)
  await laterChanges()
  // Both keep it in memory from now on.
  expect(await statuses()).toEqual([200, 200])
  await held.commit().execute()
  await until('both nodes refuse the client', async () => (await statuses()).every(status => status === 401))
})

test('a revocation that was rolled back did not happen, and hides no later one', async () => {
  const token = await issue()
  const held = await begin()
  await revoke(held, token)
  await laterChanges()
  await held.rollback().execute()
  await laterChanges()
  expect(await activeOn(token)).toEqual([true, true])
})

test('three that were opened in one order and committed in the other', async () => {
  const begun: (() => Promise<void>)[] = []
  for (const token of [await issue(), await issue(), await issue()]) {
    const tx = await begin()
    await revoke(tx, token)
    begun.push(async () => {
      await tx.commit().execute()
      await seenByBoth(token)
    })
  }
  for (const commit of begun.reverse()) await commit()
})
