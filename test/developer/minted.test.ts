// /v1/personal-access-tokens and /v1/api-keys: the wire, and whose they are. What one may be given: test/credentials.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bearer, made } from '../support/api-callers.ts'
import { ORDERS } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { refusal, startWorld, THEIRS, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

const TOKENS = '/v1/personal-access-tokens'
const KEYS = '/v1/api-keys'
const scopes = { [ORDERS]: ['read:orders'] }

const everything = () => ({
  name: 'Laptop',
  description: 'The one at home',
  env: 'test',
  scopes,
  not_before: new Date(Date.now() - 60_000).toISOString(),
  expires_at: new Date(Date.now() + 86_400_000).toISOString(),
  allowed_addresses: ['127.0.0.0/8', '::1/128'],
  rate_limit: { requests: 100, seconds: 60 },
  cnf: null,
})

const shown = (body: ReturnType<typeof everything>) => ({
  ...body,
  id: expect.stringMatching(/^[0-9A-Za-z]{16}$/),
  status: 'active',
  last4: expect.stringMatching(/^[0-9A-Za-z]{4}$/),
  created_at: expect.stringMatching(/Z$/),
  last_used: null,
})

describe('a personal access token', () => {
  it('is made with everything said, shown once, and used', async () => {
    const body = everything()
    const answer = await world.solo.call('POST', TOKENS, body)
    const { secret, ...token } = answer.json()
    expect([answer.status, answer.headers.location]).toEqual([201, `${TOKENS}/${token.id}`])
    expect(token).toEqual({ ...shown(body), account_id: expect.any(String) })
    expect(secret).toMatch(/^lk_test_pat_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}$/)
    expect((await world.solo.call('GET', `${TOKENS}/${token.id}`)).json()).toEqual(token)
    const self = await bearer(world.app, String(secret)).call('GET', '/v1/credentials/self')
    expect(self.json()).toMatchObject({ kind: 'personal-access-token', credential_id: token.id })
  })

  it("is its account's alone, also for an administrator", async () => {
    const { id } = await made(world.ada, TOKENS, { name: 'Mine', scopes })
    for (const who of [world.dev, world.root, world.mallory])
      for (const [method, path] of [
        ['GET', `${TOKENS}/${id}`],
        ['DELETE', `${TOKENS}/${id}`],
        ['POST', `${TOKENS}/${id}/rotate`],
        ['GET', `${KEYS}/${id}`],
      ] as const)
        expect((await who.call(method, path, method === 'POST' ? {} : undefined)).status).toBe(404)
    const { data } = (await world.dev.call('GET', TOKENS)).json()
    expect(data).toEqual([])
  })

  it('rotates: the id stays, the secret is new', async () => {
    const before = await made(world.ada, TOKENS, { name: 'Mine', scopes })
    const answer = await world.ada.call('POST', `${TOKENS}/${before.id}/rotate`, { immediately: true })
    expect(answer.status).toBe(200)
    expect(answer.json()).toMatchObject({ id: before.id, secret: expect.any(String) })
    const [old, now] = [before.secret, answer.json().secret].map(secret => bearer(world.app, String(secret)))
    expect((await old?.call('GET', '/v1/credentials/self'))?.status).toBe(401)
    expect((await now?.call('GET', '/v1/credentials/self'))?.status).toBe(200)
  })

  it('is revoked, stays in the list as such, and is refused', async () => {
    const { id, secret } = await made(world.ada, TOKENS, { name: 'Mine', scopes })
    expect((await world.ada.call('DELETE', `${TOKENS}/${id}`)).status).toBe(204)
    expect((await world.ada.call('DELETE', `${TOKENS}/${id}`)).status).toBe(204)
    expect((await world.ada.call('GET', `${TOKENS}/${id}`)).json()).toMatchObject({ status: 'revoked' })
    expect((await bearer(world.app, String(secret)).call('GET', '/v1/credentials/self')).status).toBe(401)
  })

  it('with wait=all, every process knows', async () => {
    const { id } = await made(world.ada, TOKENS, { name: 'Mine', scopes })
    const answer = await world.ada.call('DELETE', `${TOKENS}/${id}?wait=all&timeout=30`)
    expect(answer.json()).toMatchObject({ revoked: 1, nodes: { live: 1, acknowledged: 1 } })
    for (const query of ['wait=some', 'wait=all&timeout=31', 'wait=all&timeout=x', 'wait=all&wait=all'])
      expect((await world.ada.call('DELETE', `${TOKENS}/${id}?${query}`)).status).toBe(400)
  })

  it('is not for a client that acts for itself', async () => {
    expect(refusal(await world.ci.call('GET', TOKENS))).toEqual({ status: 403, code: 'access_denied' })
    expect(refusal(await world.ci.call('POST', TOKENS, { name: 'x', scopes }))).toMatchObject({ status: 403 })
  })

  it.each<[string, object, string[]]>([
    ['nothing', {}, ['name', 'scopes']],
    ['no scopes', { name: 'x', scopes: {} }, ['scopes']],
    ['a scope as text', { name: 'x', scopes: { [ORDERS]: 'read:orders' } }, [`scopes["${ORDERS}"]`]],
    ['an unknown scope', { name: 'x', scopes: { [ORDERS]: ['nothing'] } }, [`scopes["${ORDERS}"][0]`]],
    [
      'an unknown resource',
      { name: 'x', scopes: { 'https://no.example': ['x'] } },
      ['scopes["https://no.example"]'],
    ],
    ['an unknown environment', { name: 'x', scopes, env: 'prod' }, ['env']],
    ['10 kB of a name', { name: 'x'.repeat(10_000), scopes }, ['name']],
    ['a control character', { name: 'a\u0007', scopes }, ['name']],
    [
      'CIDR nonsense',
      { name: 'x', scopes, allowed_addresses: ['10.0.0.0/33', 'here'] },
      ['allowed_addresses[0]', 'allowed_addresses[1]'],
    ],
    ['no addresses', { name: 'x', scopes, allowed_addresses: [] }, ['allowed_addresses']],
    [
      'an expiry beyond the maximum',
      { name: 'x', scopes, expires_at: '2999-01-01T00:00:00Z' },
      ['expires_at'],
    ],
    ['an expiry in the past', { name: 'x', scopes, expires_at: '2020-01-01T00:00:00Z' }, ['expires_at']],
    ['an expiry that is no time', { name: 'x', scopes, expires_at: 'tomorrow' }, ['expires_at']],
    [
      'a rate of nothing',
      { name: 'x', scopes, rate_limit: { requests: 0, seconds: 1 } },
      ['rate_limit.requests'],
    ],
    [
      'a rate in parts',
      { name: 'x', scopes, rate_limit: { requests: 1.5, seconds: 1 } },
      ['rate_limit.requests'],
    ],
    ['another binding', { name: 'x', scopes, cnf: { kid: 'x' } }, ['cnf.kid']],
    ['somebody to belong to', { name: 'x', scopes, account_id: 'x' }, ['account_id']],
  ])('refuses %s', async (_name, body, paths) => {
    expect(refusal(await world.solo.call('POST', TOKENS, body))).toEqual({
      status: 400,
      code: 'validation_failed',
      paths,
    })
  })

  it('refuses a rotation that ends twice', async () => {
    const { id } = await made(world.ada, TOKENS, { name: 'Mine', scopes })
    const body = { grace_seconds: 5, retire_at: new Date(Date.now() + 9000).toISOString() }
    expect(refusal(await world.ada.call('POST', `${TOKENS}/${id}/rotate`, body))).toMatchObject({
      status: 400,
      paths: ['retire_at'],
    })
  })
})

describe('an API key', () => {
  it('is made for a client of the organization, and acts as it', async () => {
    const { description: _none, ...body } = everything()
    const answer = await world.dev.call('POST', KEYS, { client_id: 'ci', ...body })
    const { secret, ...key } = answer.json()
    expect([answer.status, answer.headers.location]).toEqual([201, `${KEYS}/${key.id}`])
    expect(key).toEqual({ ...shown({ ...everything(), ...body }), description: null, client_id: 'ci' })
    expect(secret).toMatch(/^lk_test_key_/)
    const self = await bearer(world.app, String(secret)).call('GET', '/v1/credentials/self')
    expect(self.json()).toMatchObject({
      kind: 'api-key',
      subject: { type: 'client', id: 'ci' },
      client_id: 'ci',
      organization: 'acme',
    })
  })

  it('a viewer sees it and does not touch it', async () => {
    const { id } = await made(world.dev, KEYS, { client_id: 'ci', name: 'x', scopes })
    expect((await world.vic.call('GET', `${KEYS}/${id}`)).status).toBe(200)
    expect((await world.vic.call('DELETE', `${KEYS}/${id}`)).status).toBe(403)
  })

  it("another organization's client and keys look like none", async () => {
    const { id } = await made(world.dev, KEYS, { client_id: 'ci', name: 'x', scopes })
    for (const [method, path] of [
      ['GET', `${KEYS}/${id}`],
      ['DELETE', `${KEYS}/${id}`],
      ['POST', `${KEYS}/${id}/rotate`],
      ['GET', `${KEYS}?client_id=ci`],
    ] as const)
      expect((await world.mallory.call(method, path, method === 'POST' ? {} : undefined)).status).toBe(404)
    const body = { client_id: 'ci', name: 'x', scopes }
    expect(refusal(await world.mallory.call('POST', KEYS, body))).toEqual({
      status: 404,
      code: 'not_found',
      paths: ['client_id'],
    })
    expect((await world.mallory.call('GET', KEYS)).json()).toEqual({ data: [], next_cursor: null })
  })

  it('has at most what its client may have', async () => {
    const answer = await world.dev.call('POST', KEYS, {
      client_id: 'ci',
      name: 'x',
      scopes: { [THEIRS]: ['read:theirs'] },
    })
    expect(refusal(answer)).toMatchObject({ paths: [`scopes["${THEIRS}"][0]`] })
  })

  it('all of an organization, or of one client, a page at a time', async () => {
    const all: string[] = []
    let cursor: unknown = null
    do {
      const after = cursor === null ? '' : `&cursor=${cursor}`
      const page = (await world.dev.call('GET', `${KEYS}?limit=2${after}`)).json()
      all.push(...(page.data as { id: string }[]).map(({ id }) => id))
      cursor = page.next_cursor
    } while (cursor !== null)
    const ofClient = (await world.dev.call('GET', `${KEYS}?client_id=ci&limit=100`)).json().data as {
      id: string
    }[]
    expect(all).toEqual(ofClient.map(({ id }) => id))
    expect(new Set(all).size).toBe(all.length)
    expect(all.length).toBeGreaterThan(2)
  })

  it('ends with its client', async () => {
    const { client_id: id } = await made(world.dev, '/v1/clients', {
      client_name: 'Short-lived',
      application_kind: 'service',
      resource_scopes: scopes,
    })
    const { secret } = await made(world.dev, KEYS, { client_id: id, name: 'x', scopes })
    const caller = bearer(world.app, String(secret))
    expect((await caller.call('GET', '/v1/credentials/self')).status).toBe(200)
    await world.dev.call('DELETE', `/v1/clients/${id}`)
    expect((await caller.call('GET', '/v1/credentials/self')).status).toBe(401)
  })

  it('tells how it is used', async () => {
    const { id, secret } = await made(world.dev, KEYS, { client_id: 'ci', name: 'x', scopes })
    const caller = bearer(world.app, String(secret))
    for (let use = 0; use < 3; use++) await caller.call('GET', '/v1/credentials/self')
    type Hour = { hour: string; outcome: string; count: number }
    const used = async () =>
      (await world.vic.call('GET', `/v1/usage?credential_id=${id}`)).json().data as Hour[]
    const total = async () => (await used()).reduce((sum, { count }) => sum + count, 0)
    // Counted in batches, which may come one after the other.
    await until('all three are counted', async () => (await total()) >= 3)
    expect(await total()).toBe(3)
    expect((await used())[0]).toMatchObject({
      outcome: 'success',
      hour: expect.stringMatching(/:00:00\.000Z$/),
    })
    expect((await world.mallory.call('GET', `/v1/usage?credential_id=${id}`)).status).toBe(404)
    expect((await world.vic.call('GET', '/v1/usage')).status).toBe(400)
  })
})
