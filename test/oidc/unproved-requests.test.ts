// What anybody can ask for without proving who they are leaves a row that waits for an answer: one network has room for so
// many. Whoever proves who they are, and every other network, is not held up.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Agent } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import {
  answer,
  authorizationRequest,
  type FlowClient,
  protocolPost,
  redirectOf,
} from '../support/authorization.ts'
import { devicesFile, kiosk, television } from '../support/devices.ts'
import { ordersSpa, ordersWeb } from '../support/orders.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ TRUSTED_PROXIES: '127.0.0.1,::1' }, devicesFile)
})
afterAll(() => app?.close())
beforeEach(async () => {
  await app.db.deleteFrom('sign_in_throttle').execute()
})

/** The test's own address. */
const HERE = {}
const THERE = { 'x-forwarded-for': '192.0.2.8' }

function push(client: FlowClient, headers: Record<string, string>) {
  const { url } = authorizationRequest(app.issuer, client)
  return protocolPost(app.issuer, '/par', client, Object.fromEntries(new URL(url).searchParams), headers)
}
const device = (client: FlowClient, headers: Record<string, string>) =>
  protocolPost(app.issuer, '/device_authorization', client, {}, headers)
const open = (agent: Agent) => agent.get(authorizationRequest(app.issuer, ordersWeb).url)

/** As if this many more had asked, all from where somebody has asked just now. */
async function fill(count: number): Promise<void> {
  const { numAffectedRows } = await sql`
    UPDATE sign_in_throttle SET tries = tries || array_fill(tries[1], ARRAY[${count}::integer])
  `.execute(app.db)
  expect(numAffectedRows).toBe(1n)
}

const rows = async () => {
  const { rows } = await sql<{ count: number }>`
    SELECT (SELECT count(*) FROM interaction)::int + (SELECT count(*) FROM device_code)::int
      + (SELECT count(*) FROM pushed_authorization_request)::int AS count
  `.execute(app.db)
  return rows[0]?.count
}

test('a network that has a thousand waiting is told to come back later', async () => {
  expect((await push(ordersSpa, HERE)).status).toBe(201)
  await fill(998)
  expect((await device(television, HERE)).status).toBe(200)
  const before = await rows()

  for (const refused of [await push(ordersSpa, HERE), await device(television, HERE)]) {
    expect([refused.status, refused.body.error]).toEqual([429, 'temporarily_unavailable'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  const page = await open(app.agent())
  expect([page.status, page.location]).toEqual([429, undefined])
  expect(page.text).toContain('Too many tries')
  expect(await rows()).toBe(before)

  expect((await push(ordersWeb, HERE)).status).toBe(201)
  expect((await device(kiosk, HERE)).status).toBe(200)
  expect((await push(ordersSpa, THERE)).status).toBe(201)
  expect(
    (await fetch(authorizationRequest(app.issuer, ordersWeb).url, { headers: THERE, redirect: 'manual' }))
      .status,
  ).toBe(303)
})

test('a request that a person has answered makes room for another', async () => {
  const agent = app.agent()
  const first = await open(agent)
  await fill(999)
  expect((await open(app.agent())).status).toBe(429)
  expect(redirectOf(await answer(agent, first)).get('code')).toBeTruthy()
  expect((await open(app.agent())).status).toBe(303)
  expect((await open(app.agent())).status).toBe(429)
})

test('whoever is signed in and has allowed it before is not counted', async () => {
  const agent = app.agent()
  await answer(agent, await open(agent))
  await app.db.deleteFrom('sign_in_throttle').execute()
  expect(redirectOf(await open(agent)).get('code')).toBeTruthy()
  expect(await app.db.selectFrom('sign_in_throttle').selectAll().execute()).toEqual([])
})
