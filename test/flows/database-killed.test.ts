// Postgres is killed while 64 workers issue, refresh, make and revoke, each with a ledger of what it was answered, and is
// started again: nothing that was answered is lost, nothing happened twice, and nothing that was ended comes back. The
// server lives through it.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { currentHome } from '../../src/db/embedded/home.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded.ts'
import type { Answer, Question } from '../http/ground.ts'
import { createAgent } from '../support/agent.ts'
import { codeFlow } from '../support/authorization.ts'
import { freePort } from '../support/free-port.ts'
import { form, introspect, tokenFrom } from '../support/node-requests.ts'
import { billing, ORDERS, ordersFile, ordersSpa, ordersWeb } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { launch, type ServerProcess } from '../support/server-process.ts'
import { removeDirectory } from '../support/test-directory.ts'

const FAMILIES = 16
const ISSUERS = 24
const MAKERS = 24
/** Answers before the end: every worker has had some. */
const MUCH = 64 * 8

const ci = {
  client_id: 'ci',
  client_secret: 'ci-secret-for-tests-only-0123456789abcdef',
  grant_types: ['client_credentials'],
}

const directory = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
let port: number
let postgres: EmbeddedPostgres
let server: ServerProcess

const startPostgres = () =>
  startEmbeddedPostgres({ directory, port, durable: false, maxConnections: 50, log: () => {} })

beforeAll(async () => {
  port = await freePort()
  postgres = await startPostgres()
  const ownPort = await freePort()
  const own = `http://localhost:${ownPort}/v1`
  const file = {
    ...ordersFile,
    clients: [
      ...ordersFile.clients,
      {
        ...ci,
        organization: 'acme',
        resource_scopes: { [own]: ['keys:read', 'keys:write'], [ORDERS]: ['read:orders'] },
      },
    ],
  }
  writeFileSync(join(directory, 'latchkey.json'), JSON.stringify(file))
  server = await launch({
    databaseUrl: postgres.url,
    port: ownPort,
    env: {
      LATCHKEY_CONFIG: join(directory, 'latchkey.json'),
      REFRESH_GRACE: '1h',
      LOG_LEVEL: 'warn',
    },
  })
  await server.ready()
})
afterAll(async () => {
  await server?.end()
  await postgres?.stop()
  removeDirectory(directory)
})

/** Everything that Postgres consists of, at once. */
async function killPostgres(): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url })
  client.on('error', () => {})
  await client.connect()
  const { rows } = await client.query<{ pid: number }>('SELECT pid FROM pg_stat_activity')
  const [postmaster] = readFileSync(join(currentHome(directory), 'data', 'postmaster.pid'), 'utf8').split(
    '\n',
  )
  for (const pid of [Number(postmaster), ...rows.map(({ pid }) => pid)])
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      // Without its postmaster it may be gone by itself.
      if ((error as { code?: unknown }).code !== 'ESRCH') throw error
    }
  await client.end().catch(() => undefined)
}

let answered = 0

/** Undefined when the database was not there for it: then it may have happened or not. */
async function ask(question: Question): Promise<Answer | undefined> {
  const answer = await server.ask(question)
  if (answer.status === 503) return undefined
  if (answer.status >= 300) throw new Error(`${question.path}: ${answer.status} ${answer.text}`)
  answered++
  return answer
}

/** What one worker knows. */
interface Ledger {
  /** Answered with success, and not ended since. */
  readonly alive: string[]
  /** Answered that it has ended. */
  readonly ended: string[]
}

/** Issues with `issue` and ends every second with `end`, until the database is gone. */
async function issueAndEnd<T>(
  issue: () => Promise<T | undefined>,
  secretOf: (issued: T) => string,
  end: (issued: T) => Promise<Answer | undefined>,
): Promise<Ledger> {
  const ledger: Ledger = { alive: [], ended: [] }
  for (let round = 1; ; round++) {
    const issued = await issue()
    if (issued === undefined) return ledger
    if (round % 2 === 0) {
      if (!(await end(issued))) return ledger
      ledger.ended.push(secretOf(issued))
    } else ledger.alive.push(secretOf(issued))
  }
}

const clientTokens = () =>
  issueAndEnd(
    async () => {
      const answer = await ask(form('/token', billing, { grant_type: 'client_credentials' }))
      return answer && tokenFrom(answer).access_token
    },
    token => token,
    token => ask(form('/revoke', billing, { token })),
  )

interface Key {
  readonly id: string
  readonly secret: string
}

const keys = (authorization: string) => {
  const call = (method: string, path: string, body?: object) =>
    ask({
      ...{ method, path, headers: { authorization, 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    })
  const wanted = { client_id: 'ci', name: 'nightly', scopes: { [ORDERS]: ['read:orders'] } }
  return issueAndEnd<Key>(
    async () => (await call('POST', '/v1/api-keys', wanted))?.json() as unknown as Key | undefined,
    ({ secret }) => secret,
    ({ id }) => call('DELETE', `/v1/api-keys/${id}`),
  )
}

interface Family {
  readonly client: typeof ordersWeb
  /** The last that was answered. */
  refreshToken: string
  readonly alive: string[]
}

async function refresh(family: Family): Promise<void> {
  for (;;) {
    const answer = await ask(
      form('/token', family.client, { grant_type: 'refresh_token', refresh_token: family.refreshToken }),
    )
    if (!answer) return
    const tokens = tokenFrom(answer)
    family.refreshToken = tokens.refresh_token
    family.alive.push(tokens.access_token)
  }
}

test('Postgres killed under load and started again: nothing lost, nothing doubled, nothing undead', async () => {
  const browser = createAgent(server.issuer)
  const families: Family[] = []
  for (let index = 0; index < FAMILIES; index++) {
    const client = index % 2 === 0 ? ordersWeb : ordersSpa
    const params = { scope: 'openid read:orders', resource: ORDERS }
    const { token } = await codeFlow(server.issuer, browser, client, { params })
    families.push({ client, refreshToken: token.body.refresh_token ?? '', alive: [] })
  }
  const own = form('/token', ci, { grant_type: 'client_credentials', resource: `${server.issuer}/v1` })
  const authorization = `Bearer ${tokenFrom(await server.ask(own)).access_token}`

  const many = <T>(count: number, work: () => Promise<T>) => Promise.all(Array.from({ length: count }, work))
  const workers = Promise.all([
    Promise.all(families.map(refresh)),
    many(ISSUERS, clientTokens),
    many(MAKERS, () => keys(authorization)),
  ])
  // One that fails ends the wait too.
  await Promise.race([until('there is much to lose', () => answered >= MUCH), workers])
  await killPostgres()
  const [, issued, made] = await workers
  await postgres.stop()
  postgres = await startPostgres()
  await until('it is ready again', async () => (await server.ask({ path: '/health/ready' })).status === 200)
  expect(server.log()).not.toContain('"level":60')

  const isActive = async (client: typeof ordersWeb, token: string) =>
    (await introspect(server, client, token)).active
  for (const { alive, ended } of issued) {
    for (const token of alive) expect(await isActive(billing, token)).toBe(true)
    for (const token of ended) expect(await isActive(billing, token)).toBe(false)
  }
  const self = async (secret: string) =>
    (await server.ask({ path: '/v1/credentials/self', headers: { authorization: `Bearer ${secret}` } }))
      .status
  for (const { alive, ended } of made) {
    for (const secret of alive) expect(await self(secret)).toBe(200)
    for (const secret of ended) expect(await self(secret)).toBe(401)
  }
  for (const { client, refreshToken, alive } of families) {
    for (const token of alive) expect(await isActive(client, token)).toBe(true)
    // The one under way has happened or has not; asked again, there is one successor.
    const request = form('/token', client, { grant_type: 'refresh_token', refresh_token: refreshToken })
    const [first, second] = [tokenFrom(await server.ask(request)), tokenFrom(await server.ask(request))]
    expect(second.refresh_token).toBe(first.refresh_token)
  }

  // Of each maker at most one more than it knows of, and for each that was made and ended one row of the audit.
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const count = async (query: string) => Number((await client.query<{ count: string }>(query)).rows[0]?.count)
  const known = made.reduce((sum, { alive, ended }) => sum + alive.length + ended.length, 0)
  const keysThere = await count(`SELECT count(*) FROM minted_token`)
  const endedThere = await count(`SELECT count(*) FROM minted_token WHERE revoked_at IS NOT NULL`)
  const events = (type: string) => count(`SELECT count(*) FROM audit_event WHERE type = '${type}'`)
  expect(keysThere - known).toBeGreaterThanOrEqual(0)
  expect(keysThere - known).toBeLessThanOrEqual(MAKERS)
  expect([await events('api_key_created'), await events('api_key_revoked')]).toEqual([keysThere, endedThere])
  await client.end()
  // The change log is followed as before: what ends now ends at once.
  const token = tokenFrom(await server.ask(form('/token', billing, { grant_type: 'client_credentials' })))
  expect(await isActive(billing, token.access_token)).toBe(true)
  await server.ask(form('/revoke', billing, { token: token.access_token }))
  expect(await isActive(billing, token.access_token)).toBe(false)
})
