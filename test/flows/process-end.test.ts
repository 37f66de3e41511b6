// How a server process ends: in order on SIGTERM, and at any moment on SIGKILL. Either way nothing that was answered is
// lost, and nothing that was ended comes back.
import { expect, test } from '@jest/globals'
import pg from 'pg'
import type { Answer } from '../http/ground.ts'
import { createAgent } from '../support/agent.ts'
import { sessionOf } from '../support/api-callers.ts'
import { codeFlow } from '../support/authorization.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { billing, ordersFile, ordersSpa, ordersWeb, PASSWORD, STOCK } from '../support/orders.ts'
import { testDatabase } from '../support/postgres.ts'
import { until } from '../support/process.ts'
import { launch, type ServerProcess, startServer, startSingle } from '../support/server-process.ts'

const readiness = async (server: ServerProcess) => (await server.ask({ path: '/health/ready' })).status

test('SIGTERM: says that it is not ready, finishes what is in flight, and ends well', async () => {
  const database = await testDatabase()
  const server = await launch({ databaseUrl: database.url, env: { SHUTDOWN_DELAY: '10s' } })
  await server.ready()
  const { issuer } = server
  const browser = createAgent(issuer)
  const person = { username: 'ada', name: 'Ada', email: 'ada@example.com', password: PASSWORD }
  expect((await browser.submit(await browser.get('/sign-up'), person)).status).toBe(303)
  const { headers } = await sessionOf({ issuer, agent: () => createAgent(issuer) }, person.username)

  // Who waits for all nodes waits for this one, which is seen and reads nothing.
  const db = new pg.Client({ connectionString: database.url })
  await db.connect()
  await db.query(
    `INSERT INTO node (id, seen_at, polled_at) VALUES ('stuck', now() + interval '1 hour', 'epoch')`,
  )
  const path = '/v1/credentials/self?wait=all&timeout=30'
  const slow = server.ask({ method: 'DELETE', path, headers })
  await until('the request is under way', async () => {
    const ended = await db.query('SELECT FROM session WHERE ended_at IS NOT NULL')
    return ended.rowCount === 1
  })

  const ended = server.end('SIGTERM')
  await until('it says that it is not ready', async () => (await readiness(server)) === 503)
  // Load balancers have not noticed yet: it still answers.
  expect((await server.ask({ path: '/jwks' })).status).toBe(200)
  await until('it has stopped to listen', () =>
    readiness(server).then(
      () => false,
      () => true,
    ),
  )
  await db.query(`DELETE FROM node WHERE id = 'stuck'`)
  await db.end()
  expect((await slow).status).toBe(200)
  expect(await ended).toMatchObject({ code: 0, signal: null })
  expect(server.log()).toContain('"msg":"ended"')
  await database.drop()
})

/** What one client knows: how far it got, and what it has ended. */
interface Ledger {
  readonly client: typeof ordersWeb
  refreshToken: string
  /** Answered with success, and not ended since. */
  readonly alive: string[]
  readonly ended: string[]
  /** Asked to end, never answered: either is right. */
  unknown: string | undefined
}

test('SIGKILL under load, then another start: nothing lost, nothing undead', async () => {
  const env = { REFRESH_GRACE: '10m', LOG_LEVEL: 'warn' }
  const single = await startSingle(ordersFile, databaseUrl => ({ databaseUrl, env }))
  const { server, database } = single
  const ledgers: Ledger[] = []
  for (const client of [ordersWeb, ordersSpa, ordersWeb, ordersSpa]) {
    const params =
      client === ordersSpa ? { scope: 'openid read:stock', resource: STOCK } : { scope: 'openid read:orders' }
    const { token } = await codeFlow(server.issuer, createAgent(server.issuer), client, { params })
    const { access_token = '', refresh_token = '' } = token.body
    ledgers.push({
      client,
      refreshToken: refresh_token,
      alive: [access_token],
      ended: [],
      unknown: undefined,
    })
  }
  const own: Ledger = { client: billing, refreshToken: '', alive: [], ended: [], unknown: undefined }

  let done = 0
  let killed = false
  const ask = async (request: ReturnType<typeof form>): Promise<Answer | undefined> => {
    const answer = await server.ask(request).catch((error: unknown) => {
      if (!killed) throw error
      return undefined
    })
    if (answer && answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`)
    done++
    return answer
  }
  /** Gets tokens in turn and ends every third access token, until the process is gone. */
  const work = async (ledger: Ledger) => {
    for (let round = 1; round < 10_000; round++) {
      const issued = await ask(
        ledger === own
          ? form('/token', billing, { grant_type: 'client_credentials' })
          : form('/token', ledger.client, {
              grant_type: 'refresh_token',
              refresh_token: ledger.refreshToken,
            }),
      )
      if (!issued) return
      const tokens = tokenFrom(issued)
      ledger.refreshToken = tokens.refresh_token
      ledger.alive.push(tokens.access_token)
      if (round % 3 !== 0) continue
      ledger.unknown = ledger.alive.pop() ?? ''
      if (!(await ask(form('/revoke', ledger.client, { token: ledger.unknown })))) return
      ledger.ended.push(ledger.unknown)
      ledger.unknown = undefined
    }
  }
  const workers = Promise.all([...ledgers, own].map(work))
  await until('there is much to lose', () => done >= 150)
  killed = true
  expect(await server.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
  await workers

  const { issuer, port } = server
  const next = await startServer({ databaseUrl: database.url, env, issuer, port })
  try {
    for (const { client, alive, ended } of [...ledgers, own]) {
      expect(ended.length).toBeGreaterThan(0)
      for (const token of alive) expect((await introspect(next, client, token)).active).toBe(true)
      for (const token of ended) expect((await introspect(next, client, token)).active).toBe(false)
    }
    // The last refresh may or may not have happened; asked again it gives the same.
    for (const { client, refreshToken } of ledgers) {
      const request = form('/token', client, { grant_type: 'refresh_token', refresh_token: refreshToken })
      const [first, second] = [tokenFrom(await next.ask(request)), tokenFrom(await next.ask(request))]
      expect(second.refresh_token).toBe(first.refresh_token)
    }
  } finally {
    await next.end()
    await single.close()
  }
})
