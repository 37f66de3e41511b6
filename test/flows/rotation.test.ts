// The story of a rotation, over HTTP: through the JSON API as its owner, and at the example API as the program that has the
// key. The old secret works until the new one is used, works on with a warning, ends, and its use after that is reported.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { appendChange } from '../../src/db/change-log.ts'
import { type Caller, made, sessionOf } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { type OrdersApi, startOrdersApi } from '../support/orders-api.ts'
import { until } from '../support/process.ts'

interface World {
  readonly app: TestApp
  readonly api: OrdersApi
  readonly ada: Caller
  close(): Promise<void>
}

async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const app = await startApp(env, ordersFile)
  const api = await startOrdersApi({ issuer: app.issuer })
  return {
    app,
    api,
    ada: await sessionOf(app, 'ada'),
    async close() {
      await api.close()
      await app.close()
    },
  }
}

const KINDS = [
  { kind: 'api-key', event: 'api_key', path: '/v1/api-keys', owner: { client_id: 'billing' } },
  {
    kind: 'personal-access-token',
    event: 'personal_access_token',
    path: '/v1/personal-access-tokens',
    owner: {},
  },
] as const

type Kind = (typeof KINDS)[number]

interface Minted {
  readonly id: string
  readonly path: string
  readonly secret: string
}

async function create({ ada }: World, { path, owner }: Kind): Promise<Minted> {
  const fields = { name: 'Nightly export', scopes: { [ORDERS]: ['read:orders'] }, ...owner }
  const { id, secret } = await made(ada, path, fields)
  return { id: String(id), path: `${path}/${id}`, secret: String(secret) }
}

/** @returns the new secret */
async function rotate({ ada }: World, { path, id, secret }: Minted, how: object = {}): Promise<string> {
  const answer = await ada.call('POST', `${path}/rotate`, how)
  const rotated = answer.json()
  expect([answer.status, rotated.id]).toEqual([200, id])
  expect(rotated.secret).not.toBe(secret)
  expect(rotated.secret).toContain(`_${id}_`)
  return String(rotated.secret)
}

/** The status at the example API and the warning that came with it. */
async function use({ api }: World, secret: string): Promise<[number, string | undefined]> {
  const { status, headers } = await api.read({ authorization: `Bearer ${secret}` })
  return [status, headers['x-credential-warning']?.toString()]
}

const GOOD = [200, undefined]
const REFUSED = [401, undefined]
const RETIRED = [200, expect.stringMatching(/^retired_secret; retire_at="\d{4}-\d\d-\d\dT[\d:.]+Z"$/)]

const retireAt = (warning: string | undefined) =>
  Date.parse(/retire_at="([^"]+)"/.exec(warning ?? '')?.[1] ?? '')

/** As if the time of the replaced secrets were over. */
async function age({ app }: World, { id }: Minted): Promise<void> {
  await app.db
    .updateTable('minted_token')
    .set({ retired: sql`jsonb_set(retired, '{0,until}', to_jsonb(now() - interval '1 second'))` })
    .where('id', '=', id)
    .execute()
  await appendChange(app.db, 'credential', { id })
}

/** What the audit says about it under this type. */
async function eventsOf({ app }: World, type: string, { id }: Minted) {
  const events = await app.db
    .selectFrom('audit_event')
    .selectAll()
    .where('type', '=', type)
    .where('subject_id', '=', id)
    .execute()
  return events.map(({ outcome, subject_type: kind, detail }) => ({ outcome, kind, detail }))
}

async function statusOf({ ada }: World, { path }: Minted): Promise<unknown> {
  return (await ada.call('GET', path)).json().status
}

describe.each(KINDS)('$kind', kind => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  test('old works, new activates, old warns, old dies, old use is reported', async () => {
    const minted = await create(world, kind)
    const old = minted.secret
    expect(await use(world, old)).toEqual(GOOD)

    const fresh = await rotate(world, minted)
    expect(await use(world, old)).toEqual(GOOD)
    const completed = () => eventsOf(world, `${kind.event}_rotation_completed`, minted)
    expect(await completed()).toEqual([])

    expect(await use(world, fresh)).toEqual(GOOD)
    expect(await completed()).toHaveLength(1)
    const [status, warning] = await use(world, old)
    expect([status, warning]).toEqual(RETIRED)
    // A day from the first use of the new one, on the database's clock.
    const { rows } = await sql<{ now: Date }>`SELECT clock_timestamp() AS now`.execute(world.app.db)
    const left = retireAt(warning) - (rows[0]?.now.getTime() ?? Number.NaN)
    expect(left).toBeGreaterThan(23 * 3_600_000)
    expect(left).toBeLessThanOrEqual(24 * 3_600_000)
    expect(await use(world, fresh)).toEqual(GOOD)

    await age(world, minted)
    await until('the old secret is refused', async () => (await use(world, old))[0] === 401)
    expect(await use(world, fresh)).toEqual(GOOD)
    await until(
      'its use is reported',
      async () => (await eventsOf(world, 'retired_secret_used', minted)).length > 0,
    )
    expect((await eventsOf(world, 'retired_secret_used', minted))[0]).toEqual({
      outcome: 'refused',
      kind: kind.kind,
      detail: { last4: old.slice(-4), retired_at: expect.any(String), policy: 'report' },
    })
    expect(await statusOf(world, minted)).toBe('active')
  })

  test('with no grace the first use of the new one ends the old one', async () => {
    const minted = await create(world, kind)
    const fresh = await rotate(world, minted, { grace_seconds: 0 })
    expect(await use(world, minted.secret)).toEqual(GOOD)
    expect(await use(world, fresh)).toEqual(GOOD)
    expect(await use(world, minted.secret)).toEqual(REFUSED)
  })

  test('until a date both work, and the old one says when it ends', async () => {
    const minted = await create(world, kind)
    const date = '2100-01-01T00:00:00.000Z'
    expect((await world.ada.call('POST', `${minted.path}/rotate`, { retire_at: date })).status).toBe(400)
    const soon = new Date(Date.now() + 3_600_000).toISOString()
    const fresh = await rotate(world, minted, { retire_at: soon })
    expect(await use(world, minted.secret)).toEqual([200, `retired_secret; retire_at="${soon}"`])
    expect(await use(world, fresh)).toEqual(GOOD)
    await age(world, minted)
    await until('the old secret is refused', async () => (await use(world, minted.secret))[0] === 401)
    expect(await use(world, fresh)).toEqual(GOOD)
  })

  test('at once', async () => {
    const minted = await create(world, kind)
    expect(await use(world, minted.secret)).toEqual(GOOD)
    const fresh = await rotate(world, minted, { immediately: true })
    expect(await use(world, minted.secret)).toEqual(REFUSED)
    expect(await use(world, fresh)).toEqual(GOOD)
  })

  test('a second rotation replaces a secret that was never used', async () => {
    const minted = await create(world, kind)
    const lost = await rotate(world, minted)
    const fresh = await rotate(world, minted)
    expect(await use(world, lost)).toEqual(REFUSED)
    expect(await use(world, minted.secret)).toEqual(GOOD)
    expect(await use(world, fresh)).toEqual(GOOD)
    expect(await use(world, minted.secret)).toEqual(RETIRED)
  })

  test('one that was revoked cannot be rotated', async () => {
    const minted = await create(world, kind)
    expect((await world.ada.call('DELETE', minted.path)).status).toBe(204)
    expect(await use(world, minted.secret)).toEqual(REFUSED)
    expect((await world.ada.call('POST', `${minted.path}/rotate`, {})).status).toBe(409)
  })
})

describe('RETIRED_SECRET_POLICY', () => {
  let world: World | undefined
  afterEach(() => world?.close())

  test.each([
    { policy: 'quarantine', status: 'quarantined' },
    { policy: 'revoke', status: 'revoked' },
  ])('$policy: the use of a secret after its time stops the new one as well', async ({ policy, status }) => {
    world = await startWorld({ RETIRED_SECRET_POLICY: policy })
    for (const kind of KINDS) {
      const minted = await create(world, kind)
      const fresh = await rotate(world, minted, { immediately: true })
      expect(await use(world, fresh)).toEqual(GOOD)
      expect(await use(world, minted.secret)).toEqual(REFUSED)
      expect(await use(world, fresh)).toEqual(REFUSED)
      expect(await statusOf(world, minted)).toBe(status)
    }
  })
})
