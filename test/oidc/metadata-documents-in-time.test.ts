// Documents that clients describe themselves with, in time: how long what they say holds, and how often they are asked for.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { createAudit } from '../../src/audit/audit.ts'
import { setClientDisabled } from '../../src/clients/client-state.ts'
import { claimReading } from '../../src/clients/metadata-document.ts'
import { createChangeLog } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { unusedClientSweep } from '../../src/oidc/unused-clients.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { authorizationRequest, codeFlow, protocolPost } from '../support/authorization.ts'
import { DOCUMENT_CALLBACK, type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { clientOf, type DocumentWorld, LOCAL, NOTES, startDocumentWorld } from '../support/document-world.ts'
import { parse } from '../support/html.ts'
import { until } from '../support/process.ts'

let world: DocumentWorld
let host: DocumentHost
let app: TestApp
beforeAll(async () => {
  world = await startDocumentWorld()
  ;({ host, app } = world)
})
afterAll(() => world?.close())

const ask: DocumentWorld['ask'] = (clientId, params) => world.ask(clientId, params)
const flow: DocumentWorld['flow'] = (clientId, params) => world.flow(clientId, params)
const row: DocumentWorld['row'] = clientId => world.row(clientId)
const age: DocumentWorld['age'] = (clientId, days) => world.age(clientId, days)

describe('in time', () => {
  test('a document that changed changes the client, and who allowed it is asked again', async () => {
    const web = {
      redirect_uris: ['https://app.example.com/callback'],
      client_name: 'Before',
      application_type: 'web',
    }
    const clientId = host.describe('/changing.json', web)
    const client = { client_id: clientId, redirect_uris: web.redirect_uris }
    const agent = app.agent()
    const params = { scope: 'read', resource: NOTES, nonce: undefined }
    await codeFlow(app.issuer, agent, client, { params })
    const consents = () =>
      app.db.selectFrom('consent').select('resource').where('client_id', '=', clientId).execute()
    expect(await consents()).toHaveLength(1)
    host.describe('/changing.json', { ...web, client_name: 'After' })
    await codeFlow(app.issuer, agent, client, { params })
    expect((await row(clientId))?.client_name).toBe('Before')
    await age(clientId, 1)
    const page = await agent.follow(await agent.get(authorizationRequest(app.issuer, client, params).url))
    expect(parse(page.text).text).toContain('After asks to use your account')
    expect(await consents()).toHaveLength(0)
    expect(host.asked('/changing.json')).toBe(2)
  })

  test.each([
    ['gone', { status: 404 }],
    ['no longer good', { body: {} }],
  ])('one that is %s holds until it is too old, and is asked for once a minute', async (what, served) => {
    const path = `/${what.replaceAll(' ', '-')}.json`
    const clientId = host.describe(path)
    const { token } = await flow(clientId)
    const refresh = () =>
      protocolPost(app.issuer, '/token', clientOf(clientId), {
        grant_type: 'refresh_token',
        refresh_token: token.body.refresh_token ?? '',
      })
    host.serve(path, served)
    await age(clientId, 2)
    expect((await refresh()).status).toBe(200)
    expect((await ask(clientId)).status).toBe(303)
    expect(host.asked(path)).toBe(2)

    await age(clientId, 4)
    for (const _ of ['asked for', 'not asked for again']) {
      const refused = await refresh()
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
      expect((await ask(clientId)).status).toBe(400)
    }
    expect(host.asked(path)).toBe(3)

    host.describe(path)
    await age(clientId, 4)
    expect((await refresh()).status).toBe(200)
  })

  test.each([
    ['max-age=7200', 7200],
    ['public, max-age="7200"', 7200],
    ['max-age=1', 300],
    ['no-store', 300],
    ['max-age=99999999', 86_400],
    ['private', 3600],
  ])('what it says of caching holds, within bounds: %s', async (caching, seconds) => {
    const path = `/caching-${caching.replaceAll(/\W+/g, '-')}.json`
    const clientId = host.describe(path, {}, { 'cache-control': caching })
    await ask(clientId)
    const { fresh } = await app.db
      .selectFrom('client_metadata_document')
      .select(sql<number>`extract(epoch FROM fresh_until - fetched_at)::float8`.as('fresh'))
      .where('client_id', '=', clientId)
      .executeTakeFirstOrThrow()
    expect(fresh).toBe(seconds)
  })

  test('who asks at the same time waits for one reading', async () => {
    const clientId = host.describe('/at-once.json')
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const document = { client_id: clientId, redirect_uris: [DOCUMENT_CALLBACK], client_name: 'At once' }
    host.serve('/at-once.json', { body: document, after: held })
    const asking = Promise.all(Array.from({ length: 10 }, () => ask(clientId)))
    await until('it is asked for', () => host.asked('/at-once.json') > 0)
    release()
    expect((await asking).map(({ status }) => status)).toEqual(Array(10).fill(303))
    expect(host.asked('/at-once.json')).toBe(1)
  })

  test('on all nodes together it is one turn to read it again', async () => {
    const clientId = host.describe('/turns.json')
    await ask(clientId)
    const claims = () => Promise.all(Array.from({ length: 10 }, () => claimReading(app.db, clientId)))
    expect(new Set(await claims())).toEqual(new Set([false]))
    await age(clientId, 1)
    expect((await claims()).filter(Boolean)).toHaveLength(1)
  })

  test('a client that nobody uses goes, and is back with its document; one that was shut stays so', async () => {
    const [unused, shut] = [host.describe('/unused.json'), host.describe('/unused-shut.json')]
    for (const one of [unused, shut]) await ask(one)
    await transaction(app.db, tx => setClientDisabled(tx, shut, true))
    const long = sql<Date>`clock_timestamp() - interval '400 days'`
    await app.db
      .updateTable('client')
      .set({ created_at: long })
      .where('client_id', 'in', [unused, shut])
      .execute()
    const { db, log } = app
    const changeLog = createChangeLog({ db, log })
    const revocations = createRevocations({ db, changeLog })
    const config = { neverUsedClientLifetime: 86_400, unusedClientLifetime: 86_400 }
    const sweep = unusedClientSweep({ db, audit: createAudit({ db, log }), revocations, config })
    expect(await sweep.run(() => false)).toBe(1)
    expect([await row(unused), (await row(shut))?.client_id]).toEqual([undefined, shut])
    // The node may still remember the one that went.
    await until(
      'it is back',
      async () => (await ask(unused)).status === 303 && (await row(unused)) !== undefined,
    )
    expect((await ask(shut)).status).toBe(400)
  })
})

describe('nobody searches a host through this server', () => {
  test('readings at the same time are few', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const paths = Array.from({ length: 12 }, (_, index) => `/slow-${index}.json`)
    for (const path of paths) {
      const body = { client_id: host.address(path), redirect_uris: [DOCUMENT_CALLBACK] }
      host.serve(path, { body, after: held })
    }
    const asking = (some: readonly string[]) => Promise.all(some.map(path => ask(host.address(path))))
    const [few, more] = [paths.slice(0, 8), paths.slice(8)]
    const reading = asking(few)
    await until('eight are read', () => few.every(path => host.asked(path) === 1))
    for (const refused of await asking(more))
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    release()
    expect((await reading).map(({ status }) => status)).toEqual(Array(8).fill(303))
  })

  test('after many that are not there, only those that are known', async () => {
    const other = await startDocumentHost()
    const alone = await startApp({ ...LOCAL, CLIENT_ID_METADATA_DOCUMENTS: other.host })
    try {
      const askAlone = (id: string) =>
        alone.agent().get(authorizationRequest(alone.issuer, clientOf(id), { scope: 'openid' }).url)
      const known = other.describe('/known.json')
      expect((await askAlone(known)).status).toBe(303)
      for (let index = 0; index < 20; index++)
        expect((await askAlone(other.address(`/${index}.json`))).status).toBe(400)
      const refused = await askAlone(other.describe('/one-more.json'))
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
      expect(other.asked('/one-more.json')).toBe(0)
      expect((await askAlone(known)).status).toBe(303)
    } finally {
      await alone.close()
      await other.close()
    }
  })
})

test('one network brings sixty that are new, and goes on with those that are known', async () => {
  await app.db.deleteFrom('sign_in_throttle').execute()
  const known = host.describe('/known.json', {})
  expect((await ask(known)).status).toBe(303)
  const { numAffectedRows } = await sql`
    UPDATE sign_in_throttle SET tries = tries || array_fill(tries[1], ARRAY[59]) WHERE cardinality(tries) = 1
      AND key <> (SELECT key FROM sign_in_throttle ORDER BY tries[1] DESC LIMIT 1)
  `.execute(app.db)
  expect(numAffectedRows).toBe(1n)
  const one = host.describe('/one-more.json', {})
  const refused = await ask(one)
  expect([refused.status, refused.location]).toEqual([429, undefined])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(host.asked('/one-more.json')).toBe(0)
  expect(await row(one)).toBeUndefined()
  expect((await ask(known)).status).toBe(303)
})
