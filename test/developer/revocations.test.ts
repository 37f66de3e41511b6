// POST /v1/revocations: a dry run first, on what the caller acts, and what is refused afterwards.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Caller, callerWith, clientToken, made, personToken, sessionOf } from '../support/api-callers.ts'
import { ORDERS } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { ci, cli, refusal, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
  const scopes = { [ORDERS]: ['read:orders'], [world.own]: ['revoke', 'clients:read'] }
  await world.app.apply({ clients: [{ ...ender, organization: 'acme', resource_scopes: scopes }] })
})
afterAll(() => world.app.close())

const ender = { ...ci, client_id: 'ender' }

interface Ids {
  readonly id: string
  readonly headers: Record<string, string>
}

interface DryRun {
  readonly matched: Record<string, number>
  readonly sample: { kind: string; id: string; account_id?: string; client_id?: string }[]
  readonly plan: string
}

async function key(fields: object = {}): Promise<Ids> {
  const { id, secret } = await made(world.dev, '/v1/api-keys', {
    client_id: 'ci',
    name: 'A key',
    scopes: { [ORDERS]: ['read:orders'] },
    ...fields,
  })
  return { id: String(id), headers: { 'x-api-key': String(secret) } }
}

const PATH = '/v1/revocations'
/** Of one's own things. */
const OWN = `${PATH}/own`

const isTaken = async (headers: Record<string, string>) =>
  (await callerWith(world.app, headers).call('GET', '/v1/credentials/self')).status === 200

async function look(caller: Caller, filter: object, path = PATH): Promise<DryRun> {
  const answer = await caller.call('POST', path, filter)
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('plan')])
  return answer.json() as unknown as DryRun
}

/** Looks, and then does it. */
async function revoke(
  caller: Caller,
  filter: object,
  query = '',
  path = PATH,
): Promise<Record<string, unknown>> {
  const { plan } = await look(caller, filter, path)
  const answer = await caller.call('POST', path + query, { ...filter, dry_run: false, plan })
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('revoked')])
  return answer.json()
}

describe('a dry run', () => {
  it('says what there is, ends nothing, and gives the plan', async () => {
    const { id, headers } = await key()
    const { matched, sample } = await look(world.ada, { credential_id: id })
    expect(matched).toEqual({ 'api-key': 1 })
    expect(sample).toEqual([{ kind: 'api-key', id, client_id: 'ci', issued_at: expect.any(String) }])
    expect(await isTaken(headers)).toBe(true)
  })

  it.each<[string, object, string]>([
    ['nothing', {}, 'credential_id'],
    ['an unknown kind', { kind: 'password' }, 'kind'],
    ['no kind', { kind: [] }, 'kind'],
    ['no account id', { account_id: 'ada' }, 'account_id'],
    ['no address', { last_address: 'home' }, 'last_address'],
    ['a range with bits behind it', { last_address: '192.0.2.1/24' }, 'last_address'],
    ['no time', { issued_before: 'yesterday' }, 'issued_before'],
  ])('of %s is a mistake', async (_name, filter, path) => {
    const answer = refusal(await world.root.call('POST', '/v1/revocations', filter)) as { paths: string[] }
    expect(answer).toMatchObject({ status: 400, code: 'validation_failed' })
    expect(answer.paths.some(one => one.startsWith(path))).toBe(true)
  })
})

describe('the plan', () => {
  it.each<[string, (plan: string, id: string) => object, boolean]>([
    ['missing', (_plan, id) => ({ credential_id: id }), false],
    ['of another filter', plan => ({ client_id: 'ci', plan }), false],
    ['of another caller', (plan, id) => ({ credential_id: id, plan }), true],
    ['made up', (plan, id) => ({ credential_id: id, plan: plan.replace(/.$/, '_') }), false],
    ['with more time', (plan, id) => ({ credential_id: id, plan: plan.replace(/^\d/, '9') }), false],
    ['no plan at all', (_plan, id) => ({ credential_id: id, plan: 'yes' }), false],
  ])('%s: nothing happens', async (_name, bodyOf, byAnother) => {
    const { id, headers } = await key()
    const { plan } = await look(world.ada, { credential_id: id })
    const caller = byAnother ? world.root : world.ada
    const answer = await caller.call('POST', '/v1/revocations', { ...bodyOf(plan, id), dry_run: false })
    expect(refusal(answer)).toEqual({ status: 400, code: 'validation_failed', paths: ['plan'] })
    expect(await isTaken(headers)).toBe(true)
  })
})

describe('what is ended', () => {
  it('never more than the dry run was about: a plan for one’s own things is none for everybody’s', async () => {
    const { plan } = await look(world.root, { kind: 'session' }, OWN)
    const answer = await world.root.call('POST', PATH, { kind: 'session', dry_run: false, plan })
    expect(refusal(answer)).toEqual({ status: 400, code: 'validation_failed', paths: ['plan'] })
    expect(await isTaken(world.ada.headers)).toBe(true)
  })

  it('one key, with wait=all', async () => {
    const { id, headers } = await key()
    const { id: other, headers: others } = await key()
    expect(await revoke(world.ada, { credential_id: id }, '?wait=all&timeout=30')).toEqual({
      revoked: 1,
      by_kind: { 'api-key': 1 },
      complete: true,
      position: expect.any(String),
      nodes: { live: 1, acknowledged: 1 },
      took_ms: expect.any(Number),
    })
    expect(await isTaken(headers)).toBe(false)
    expect(await isTaken(others)).toBe(true)
    expect((await look(world.ada, { credential_id: id })).matched).toEqual({})
    await revoke(world.ada, { credential_id: other })
  })

  it('by environment, by address and by time', async () => {
    const live = await key()
    const test = await key({ env: 'test', scopes: { [ORDERS]: ['read:orders'] } })
    await isTaken(live.headers)
    const later = new Date(Date.now() + 60_000).toISOString()
    expect((await look(world.ada, { client_id: 'ci', env: 'test' })).matched).toEqual({ 'api-key': 1 })
    expect(
      (await look(world.ada, { client_id: 'ci', issued_before: '2020-01-01T00:00:00Z' })).matched,
    ).toEqual({})
    expect(
      (await look(world.ada, { kind: 'api-key', issued_before: later })).matched['api-key'],
    ).toBeGreaterThan(1)
    await revoke(world.ada, { env: 'test', kind: ['api-key', 'session'] })
    expect([await isTaken(test.headers), await isTaken(live.headers)]).toEqual([false, true])
    const elsewhere = await key()
    await world.app.db
      .insertInto('credential_last_use')
      .values({ credential_id: elsewhere.id, used_at: new Date(), address: '192.0.2.77', user_agent: null })
      .execute()
    expect((await look(world.ada, { last_address: '198.51.100.0/24' })).matched).toEqual({})
    expect(await revoke(world.ada, { last_address: '192.0.2.0/24' })).toMatchObject({ revoked: 1 })
    expect([await isTaken(elsewhere.headers), await isTaken(live.headers)]).toEqual([false, true])
  })

  it('everything that a client holds: keys, and the tokens it got for itself, up to now', async () => {
    const { headers } = await key({ client_id: 'ender' })
    const token = await clientToken(world.app, ender, 'clients:read')
    const mine = await key()
    expect(await isTaken(token.headers)).toBe(true)
    const filter = { client_id: 'ender', kind: ['api-key', 'client-tokens'] }
    expect((await look(world.ada, filter)).matched).toEqual({ 'api-key': 1, 'client-tokens': 1 })
    await revoke(world.ada, filter)
    expect([await isTaken(headers), await isTaken(token.headers)]).toEqual([false, false])
    expect(await isTaken(mine.headers)).toBe(true)
    // The client itself is well: what it gets from the next second on is good.
    await until('a new token is taken', async () =>
      isTaken((await clientToken(world.app, ender, 'clients:read')).headers),
    )
  })

  it('a JWT access token by its id, by the owner of its client', async () => {
    const token = await clientToken(world.app, ender, 'clients:read')
    const self = (await token.call('GET', '/v1/credentials/self')).json() as { credential_id: string }
    const filter = { kind: 'jwt-access-token', credential_id: self.credential_id }
    expect((await look(world.mallory, filter)).matched).toEqual({})
    const madeUp = [`${'a'.repeat(24)}-9999999999-0`, `${'a'.repeat(24)}-2147483647-999999`, 'something']
    for (const credential_id of madeUp)
      expect((await look(world.root, { ...filter, credential_id })).matched).toEqual({})
    expect(await revoke(world.ada, filter)).toMatchObject({ by_kind: { 'jwt-access-token': 1 } })
    expect(await isTaken(token.headers)).toBe(false)
  })

  it('a grant, with its tokens', async () => {
    const token = await personToken(world.app, cli, 'dev', 'clients:read')
    const { sample } = await look(world.ada, { kind: 'grant', client_id: 'cli' })
    expect(sample).toHaveLength(1)
    await revoke(world.ada, { grant_id: sample[0]?.id })
    expect(await isTaken(token.headers)).toBe(false)
  })

  it('is written in the audit, each thing and the whole', async () => {
    const { id } = await key()
    await revoke(world.ada, { credential_id: id })
    const rows = await world.app.db
      .selectFrom('audit_event')
      .select(['type', 'actor_type', 'subject_id', 'detail'])
      .where('type', 'in', ['api_key_revoked', 'revocation_by_filter'])
      .orderBy('created_at', 'desc')
      .limit(2)
      .execute()
    expect(rows).toEqual([
      expect.objectContaining({
        type: 'revocation_by_filter',
        detail: { reason: 'revoked', filter: { credentialId: id }, ended: { 'api-key': 1 } },
      }),
      expect.objectContaining({ type: 'api_key_revoked', actor_type: 'account', subject_id: id }),
    ])
  })
})

describe('on what a caller acts', () => {
  it('everybody on their own things, and on nobody else’s', async () => {
    const solo = await sessionOf(world.app, 'solo')
    const again = await sessionOf(world.app, 'solo')
    const pat = await made(solo, '/v1/personal-access-tokens', {
      name: 'laptop',
      scopes: { [ORDERS]: ['read:orders'] },
    })
    const id = await accountOf(solo)
    expect((await look(solo, { account_id: await accountOf(world.ada) }, OWN)).matched).toEqual({})
    expect((await look(solo, { client_id: 'ci' }, OWN)).matched).toEqual({})
    expect(refusal(await solo.call('POST', PATH, { account_id: id }))).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
    })
    const { matched } = await look(solo, { account_id: id }, OWN)
    expect(matched).toEqual({ session: expect.any(Number), 'personal-access-token': 1 })
    await revoke(solo, { account_id: id, kind: 'personal-access-token' }, '', OWN)
    expect(await isTaken({ 'x-api-key': String(pat.secret) })).toBe(false)
    expect((await look(solo, { kind: 'session' }, OWN)).matched).toEqual({ session: matched.session })
    await revoke(solo, { kind: 'session' }, '', OWN)
    for (const { headers } of [solo, again]) expect(await isTaken(headers)).toBe(false)
    expect(await isTaken(world.ada.headers)).toBe(true)
  })

  it('owners on the clients of their organizations; developers and viewers are none', async () => {
    const { id, headers } = await key()
    for (const caller of [world.dev, world.vic])
      expect(refusal(await caller.call('POST', PATH, { credential_id: id }))).toMatchObject({ status: 403 })
    for (const caller of [world.dev, world.ada])
      expect((await look(caller, { credential_id: id }, OWN)).matched).toEqual({})
    expect((await look(world.mallory, { credential_id: id })).matched).toEqual({})
    expect((await look(world.mallory, { organization: 'acme' })).matched).toEqual({})
    expect((await look(world.ada, { organization: 'acme' })).matched).toMatchObject({ 'client-secret': 2 })
    expect((await look(world.ada, { kind: 'session' })).sample.map(({ account_id }) => account_id)).toEqual([
      await accountOf(world.ada),
    ])
    expect(await isTaken(headers)).toBe(true)
  })

  it('a client with the scope on those of its organization', async () => {
    const { id, headers } = await key()
    const caller = await clientToken(world.app, ender, 'revoke')
    expect((await look(caller, { kind: 'session' })).matched).toEqual({})
    expect((await look(caller, { kind: 'client-secret', client_id: 'theirs' })).matched).toEqual({})
    await revoke(caller, { credential_id: id })
    expect(await isTaken(headers)).toBe(false)
  })

  it('an administrator everywhere', async () => {
    expect((await look(world.root, { kind: 'client-secret' })).matched).toEqual({ 'client-secret': 3 })
    expect((await look(world.root, { kind: 'session' })).matched.session).toBeGreaterThan(3)
  })
})

async function accountOf(caller: Caller): Promise<string> {
  const { subject } = (await caller.call('GET', '/v1/credentials/self')).json() as { subject: { id: string } }
  return subject.id
}
