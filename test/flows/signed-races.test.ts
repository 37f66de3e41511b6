// Signed requests on several servers: one signature sent 20 times at the same moment to two processes whose reads take 50 ms
// longer than they do, after a restart, and while the master secrets change.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Question } from '../http/ground.ts'
import { TEST_SECRET } from '../support/app.ts'
import { SYSTEM } from '../support/minted.ts'
import { statuses } from '../support/node-requests.ts'
import { ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import {
  type Cluster,
  type Single,
  startCluster,
  startServer,
  startSingle,
} from '../support/server-process.ts'
import {
  makeSigningKey,
  makeSigningSecret,
  type Signer,
  signingSecretsOf,
  signMessage,
  signSimply,
} from '../support/signing.ts'

const SLOW = { delayAfterReads: 50, env: { DATABASE_POOL_SIZE: '20', LOG_LEVEL: 'warn' } }
const TIMES = 20
const SELF = '/v1/credentials/self'

const signed = (issuer: string, signer: Signer): Question => ({
  path: SELF,
  headers: signMessage(signer, { url: `${issuer}${SELF}` }),
})

describe('two processes', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster(SLOW, ordersFile)
  })
  afterAll(() => cluster?.close())

  test('20 uses of one signature with HMAC: one success', async () => {
    const request = signed(cluster.issuer, await makeSigningSecret(cluster))
    expect(statuses(await cluster.together(TIMES, () => request))).toEqual({ 200: 1, 401: TIMES - 1 })
  })

  test('20 uses of one signature with Ed25519: one success', async () => {
    const request = signed(cluster.issuer, await makeSigningKey(cluster))
    expect(statuses(await cluster.together(TIMES, () => request))).toEqual({ 200: 1, 401: TIMES - 1 })
  })

  test('20 uses of one signature of the simple profile: one success', async () => {
    const headers = signSimply(await makeSigningSecret(cluster), { url: `${cluster.issuer}${SELF}` })
    const answers = await cluster.together(TIMES, () => ({ path: SELF, headers }))
    expect(statuses(answers)).toEqual({ 200: 1, 401: TIMES - 1 })
  })

  test('20 requests that were each signed: all of them', async () => {
    const signer = await makeSigningSecret(cluster)
    const answers = await cluster.together(TIMES, () => signed(cluster.issuer, signer))
    expect(statuses(answers)).toEqual({ 200: TIMES })
  })

  test('first uses of a new secret at once: all of them, and the old one ends once', async () => {
    const { id, secret: old } = await makeSigningSecret(cluster)
    const { secret = '' } = await signingSecretsOf(cluster).rotate(SYSTEM, id, { graceSeconds: 0 })
    const answers = await cluster.together(TIMES, () => signed(cluster.issuer, { id, secret }))
    expect(statuses(answers)).toEqual({ 200: TIMES })
    for (const node of cluster.nodes)
      expect((await node.ask(signed(cluster.issuer, { id, secret: old }))).status).toBe(401)
    const events = await cluster.db
      .selectFrom('audit_event')
      .select('id')
      .where('type', '=', 'signing_secret_rotation_completed')
      .where('subject_id', '=', id)
      .execute()
    expect(events).toHaveLength(1)
  })

  test('a memory that does not decide is noticed', async () => {
    await sql`ALTER TABLE replay DROP CONSTRAINT replay_pkey`.execute(cluster.db)
    const request = signed(cluster.issuer, await makeSigningSecret(cluster))
    expect(statuses(await cluster.together(TIMES, () => request))[200]).toBeGreaterThan(1)
  })

  test('nothing of all this was a failure of ours', () => {
    for (const node of cluster.nodes) expect(node.log()).not.toContain('"level":50')
  })
})

describe('restarts', () => {
  const NEW = Buffer.alloc(32, 8).toString('base64url')
  let first: Single
  let server: Single['server']
  beforeAll(async () => {
    first = await startSingle(ordersFile)
    server = first.server
  })
  afterAll(async () => {
    await server?.end()
    await first?.close()
  })

  async function restart(signal: NodeJS.Signals, ...secrets: string[]): Promise<void> {
    await server.end(signal)
    const { port, issuer } = server
    const env = { LATCHKEY_SECRETS: secrets.join() }
    server = await startServer({ databaseUrl: first.database.url, port, issuer, env })
  }

  test('a signature that was taken is not taken again after one, not even after kill -9', async () => {
    const request = signed(server.issuer, await makeSigningSecret(first))
    expect((await server.ask(request)).status).toBe(200)
    await restart('SIGKILL', TEST_SECRET)
    expect((await server.ask(request)).status).toBe(401)
  })

  test('secrets move to the new master secret, used or not, and the old one can go', async () => {
    const signer = await makeSigningSecret(first)
    const waiting = await signingSecretsOf(first).rotate(SYSTEM, signer.id)
    /** The headers of all that is sealed: each names its master secret. */
    const headers = async () => {
      const rows = await first.db.selectFrom('client_credential').select('material').execute()
      return [...new Set(JSON.stringify(rows).match(/eyJ[\w-]+(?=\.)/g))]
    }
    const [old, ...others] = await headers()
    expect(others).toEqual([])
    await restart('SIGTERM', NEW, TEST_SECRET)
    await until('everything is sealed with the new one', async () => !(await headers()).includes(old ?? ''))
    await restart('SIGTERM', NEW)
    for (const secret of [signer.secret, waiting.secret ?? ''])
      expect((await server.ask(signed(server.issuer, { id: signer.id, secret }))).status).toBe(200)
  })
})
