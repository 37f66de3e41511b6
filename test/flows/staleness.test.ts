// The staleness rule: a node that has not read the change log for three seconds trusts nothing that it remembers. It asks
// the database, which knows; and when that cannot be asked, it refuses. It never says yes from memory.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { type Cuttable, cuttable } from '../support/cuttable.ts'
import { makeKey, makePersonalToken } from '../support/minted.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { billing, ORDERS, ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { type ServerProcess, type Single, startServer, startSingle } from '../support/server-process.ts'

let single: Single
/** The second node's way to the database. */
let way: Cuttable
let second: ServerProcess
beforeAll(async () => {
  single = await startSingle(ordersFile)
  way = await cuttable(single.database.url)
  second = await startServer({ databaseUrl: way.url, issuer: single.server.issuer })
})
afterAll(async () => {
  await second?.end('SIGKILL')
  await way?.cut()
  await single?.close()
})

type Headers = Record<string, string>

const use = async (headers: Headers) => (await second.ask({ path: '/v1/credentials/self', headers })).status

async function issue(): Promise<string> {
  const request = form('/token', billing, { grant_type: 'client_credentials', resource: ORDERS })
  return tokenFrom(await single.server.ask(request)).access_token
}

/** On the first node, which nothing keeps from the database. Nobody waits for the second. */
async function end(headers: Headers): Promise<void> {
  const answer = await single.server.ask({ method: 'DELETE', path: '/v1/credentials/self', headers })
  expect(answer.status).toBe(204)
}

const changeLogOf = async (node: ServerProcess) => (await node.ask({ path: '/health/ready' })).text

const distrusts = () =>
  until('the second node trusts its memory no longer', async () =>
    (await changeLogOf(second)).includes('"change_log":"failed"'),
  )

test('cut off from the database: what was hot in memory is refused, whether it has ended or not', async () => {
  const [key, other] = [await makeKey(single), await makeKey(single)]
  const personal = await makePersonalToken(single)
  const token = await issue()
  const all: Headers[] = [
    { 'x-api-key': key.secret },
    { 'x-api-key': personal.secret },
    { authorization: `Bearer ${token}` },
  ]
  for (const headers of [...all, { 'x-api-key': other.secret }])
    for (let times = 0; times < 5; times++) expect(await use(headers)).toBe(200)
  await way.cut()
  await distrusts()
  for (const headers of all) await end(headers)
  for (const headers of [...all, { 'x-api-key': other.secret }]) expect(await use(headers)).toBe(503)

  await way.mend()
  await until('the second node reads again', async () => !(await changeLogOf(second)).includes('failed'))
  for (const headers of all) expect(await use(headers)).toBe(401)
  expect(await use({ 'x-api-key': other.secret })).toBe(200)
})

test('cut off from the change log alone: the database is asked, and knows', async () => {
  const { secret } = await makeKey(single)
  const headers = { 'x-api-key': secret }
  const token = await issue()
  const bearer = { authorization: `Bearer ${token}` }
  for (let times = 0; times < 5; times++) expect([await use(headers), await use(bearer)]).toEqual([200, 200])
  // Whoever reads the log waits for this lock; everything else goes on.
  const holder = await single.database.another({ limitMs: 600_000 }).startTransaction().execute()
  await sql`LOCK TABLE change_log IN ACCESS EXCLUSIVE MODE`.execute(holder)
  await distrusts()
  // As another node would have written it, but for the change log, which is shut.
  await sql`UPDATE minted_token SET revoked_at = clock_timestamp() WHERE last4 = ${secret.slice(-4)}`.execute(
    single.db,
  )
  const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    jti: string
  }
  await sql`INSERT INTO revocation (kind, id, reason) VALUES ('token', ${jti}, 'revoked')`.execute(single.db)
  expect([await use(headers), await use(bearer)]).toEqual([401, 401])
  expect((await introspect(second, billing, token)).active).toBe(false)
  await holder.rollback().execute()
})
