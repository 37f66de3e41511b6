// Clients that registered themselves and that nobody uses go, and with them whatever was issued to them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { createAudit } from '../../src/audit/audit.ts'
import { createChangeLog } from '../../src/db/change-log.ts'
import { unusedClientSweep } from '../../src/oidc/unused-clients.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { billing, ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import {
  INITIAL_ACCESS_TOKENS,
  INITIAL_TOKEN,
  type RegistrationAnswer,
  send,
} from '../support/registration.ts'

let app: TestApp
beforeAll(async () => {
  // Its own sweep takes nothing: the tests sweep.
  app = await startApp(
    {
      CLIENT_REGISTRATION: 'open',
      NEVER_USED_CLIENT_LIFETIME: 'none',
      UNUSED_CLIENT_LIFETIME: 'none',
    },
    { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS },
  )
})
afterAll(() => app.close())
beforeEach(async () => {
  await app.db.deleteFrom('client').where('registration', '=', 'dynamic').execute()
})

type Registered = RegistrationAnswer['body']

const METADATA = {
  redirect_uris: ['http://127.0.0.1:9127/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
}

async function registered(token?: string, metadata: object = METADATA): Promise<Registered> {
  const { status, body } = await send(`${app.issuer}/register`, 'POST', { token, body: metadata })
  expect(status).toBe(201)
  return body
}

/** What the server does every minute. */
async function sweep(
  lifetimes: { never?: number; unused?: number } = { never: 86_400, unused: 180 * 86_400 },
) {
  const { db, log } = app
  return unusedClientSweep({
    db,
    audit: createAudit({ db, log }),
    revocations: createRevocations({ db, changeLog: createChangeLog({ db, log }) }),
    config: { neverUsedClientLifetime: lifetimes.never, unusedClientLifetime: lifetimes.unused },
  }).run(() => false)
}

const days = (count: number) => sql<Date>`clock_timestamp() - make_interval(days => ${count})`

/** As if everything about the client had happened so many days ago. */
async function age({ client_id: id }: Registered, count: number): Promise<void> {
  await app.db
    .updateTable('client')
    .set({ created_at: days(count) })
    .where('client_id', '=', id)
    .execute()
  await app.db
    .updateTable('client_use')
    .set({ used_at: days(count) })
    .where('client_id', '=', id)
    .execute()
}

const isThere = async ({ client_id: id }: Registered) =>
  (await app.db.selectFrom('client').select('client_id').where('client_id', '=', id).executeTakeFirst()) !==
  undefined

const signIn = (client: Registered, params: Record<string, string> = {}) =>
  codeFlow(app.issuer, app.agent(), { ...client, redirect_uris: METADATA.redirect_uris }, { params })

async function useWritten({ client_id: id }: Registered): Promise<void> {
  await until('the use is written', async () =>
    Boolean(
      await app.db.selectFrom('client_use').select('used_at').where('client_id', '=', id).executeTakeFirst(),
    ),
  )
}

const endGrants = (client: Registered) =>
  app.db
    .updateTable('authorization_grant')
    .set({ ended_at: days(0) })
    .where('client_id', '=', client.client_id)
    .execute()

test('one that nobody has ever used goes after a day', async () => {
  const [old, young] = [await registered(), await registered()]
  await age(old, 2)
  expect(await sweep()).toBe(1)
  expect([await isThere(old), await isThere(young)]).toEqual([false, true])
  const gone = await send(old.registration_client_uri, 'GET', { token: old.registration_access_token })
  expect(gone.status).toBe(401)
  const event = await app.db
    .selectFrom('audit_event')
    .select(['actor_type', 'outcome'])
    .where('client_id', '=', old.client_id)
    .where('type', '=', 'client_expired')
    .executeTakeFirst()
  expect(event).toEqual({ actor_type: 'system', outcome: 'success' })
  expect(await sweep()).toBe(0)
})

test('one that was registered with a token has more time', async () => {
  const client = await registered(INITIAL_TOKEN)
  await age(client, 179)
  expect(await sweep()).toBe(0)
  await age(client, 181)
  expect(await sweep()).toBe(1)
})

test('one that was used stays for a long time after its last use', async () => {
  const client = await registered()
  await signIn(client)
  await useWritten(client)
  await endGrants(client)
  await age(client, 100)
  expect(await sweep()).toBe(0)
  await age(client, 181)
  expect(await sweep()).toBe(1)
})

test('a use is written down once, with its time', async () => {
  const client = await registered()
  await signIn(client)
  await useWritten(client)
  const { rows } = await sql<{ recent: boolean; used: boolean }>`
    SELECT used_at > clock_timestamp() - interval '1 minute' AS recent, used
    FROM client_use JOIN client_registration USING (client_id) WHERE client_id = ${client.client_id}
  `.execute(app.db)
  expect(rows).toEqual([{ recent: true, used: true }])
  await protocolPost(app.issuer, '/token', billing, { grant_type: 'client_credentials' })
  const ofOperators = await app.db
    .selectFrom('client_use')
    .selectAll()
    .where('client_id', '=', 'billing')
    .execute()
  expect(ofOperators).toEqual([])
})

describe('one never goes', () => {
  test('that may still do something for a person', async () => {
    const client = await registered()
    const { token } = await signIn(client, { scope: 'openid offline_access' })
    await useWritten(client)
    await age(client, 400)
    // As if the last second of a killed process had been lost.
    await app.db.deleteFrom('client_use').where('client_id', '=', client.client_id).execute()
    expect(await sweep()).toBe(0)
    const refreshed = await protocolPost(app.issuer, '/token', client, {
      grant_type: 'refresh_token',
      refresh_token: token.body.refresh_token ?? '',
    })
    expect(refreshed.status).toBe(200)
  })

  test('that an operator described, or that belongs to an organization', async () => {
    const client = await registered()
    await app.db
      .updateTable('client')
      .set({ organization_id: 'acme' })
      .where('client_id', '=', client.client_id)
      .execute()
    await age(client, 400)
    await app.db
      .updateTable('client')
      .set({ created_at: days(400) })
      .execute()
    expect(await sweep()).toBe(0)
  })

  test('where the settings say so', async () => {
    const client = await registered()
    await age(client, 4000)
    expect(await sweep({})).toBe(0)
    expect(await sweep({ never: 86_400 })).toBe(1)
  })
})

test('what was issued to it is refused from then on', async () => {
  const client = await registered(INITIAL_TOKEN, { grant_types: ['client_credentials'], response_types: [] })
  const { body } = await protocolPost(app.issuer, '/token', client, { grant_type: 'client_credentials' })
  const active = async () =>
    (await protocolPost(app.issuer, '/introspect', billing, { token: body.access_token ?? '' })).body
  expect(await active()).toMatchObject({ active: true })
  await useWritten(client)
  await age(client, 181)
  expect(await sweep()).toBe(1)
  await until('this node knows', async () => Object.values(await active()).join() === 'false')
})

test('several nodes sweep at once: each client goes once', async () => {
  const clients: Registered[] = []
  for (let made = 0; made < 10; made++) clients.push(await registered())
  for (const client of clients) await age(client, 2)
  const swept = await Promise.all([sweep(), sweep(), sweep()])
  expect(swept.reduce((sum, count) => sum + count, 0)).toBe(10)
})
