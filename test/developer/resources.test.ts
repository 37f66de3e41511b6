// /v1/resources: registering, changing and ending a resource.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { made, nobody } from '../support/api-callers.ts'
import { ORDERS } from '../support/orders.ts'
import { refusal, startWorld, THEIRS, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

const at = (identifier: string) => `/v1/resources/${encodeURIComponent(identifier)}`

let count = 0
const fresh = () => `https://api-${++count}.example.com`
const described = (more: object = {}) => ({
  identifier: fresh(),
  name: 'An API',
  scopes: { read: { description: 'Read it' }, admin: { description: 'All of it', restricted: true } },
  ...more,
})

describe('registering', () => {
  it('with the defaults of the declarative file', async () => {
    const body = described()
    const answer = await world.dev.call('POST', '/v1/resources', body)
    expect([answer.status, answer.headers.location]).toEqual([201, at(body.identifier)])
    expect(answer.json()).toEqual({
      identifier: body.identifier,
      name: 'An API',
      organization: 'acme',
      built_in: false,
      token_format: 'jwt',
      token_signing_alg: 'ES256',
      access_token_lifetime: 900,
      env: null,
      layers: [],
      allowed_addresses: null,
      scopes: {
        read: { description: 'Read it', restricted: false },
        admin: { description: 'All of it', restricted: true },
      },
      created_at: expect.stringMatching(/Z$/),
      updated_at: expect.stringMatching(/Z$/),
    })
    expect((await world.vic.call('GET', at(body.identifier))).json()).toEqual(answer.json())
  })

  it.each<[string, object, string[]]>([
    ['nothing', {}, ['identifier', 'name']],
    ['an identifier that is no URI', described({ identifier: 'orders' }), ['identifier']],
    ['an identifier with a fragment', described({ identifier: 'https://a.example.com/#x' }), ['identifier']],
    ['an unknown key', described({ audience: 'x' }), ['audience']],
    ['an unknown environment', described({ env: 'production' }), ['env']],
    ['a lifetime in words', described({ access_token_lifetime: '15m' }), ['access_token_lifetime']],
    ['a lifetime of a year', described({ access_token_lifetime: 31_536_000 }), ['access_token_lifetime']],
    ['a lifetime of nothing', described({ access_token_lifetime: 0 }), ['access_token_lifetime']],
    ['a scope of OpenID Connect', described({ scopes: { openid: { description: 'x' } } }), ['scopes.openid']],
    ['a scope with a space', described({ scopes: { 'a b': { description: 'x' } } }), ['scopes["a b"]']],
    ['a scope without a description', described({ scopes: { a: {} } }), ['scopes.a.description']],
    ['a name of 10 kB', described({ name: 'x'.repeat(10_000) }), ['name']],
    ['a name with a control character', described({ name: 'a\u001bb' }), ['name']],
    ['layers without a certificate', described({ layers: ['api-key', 'access-token'] }), ['layers']],
    ['a certificate with nothing beside it', described({ layers: ['client-certificate'] }), ['layers']],
    ['a layer of no kind', described({ layers: ['client-certificate', 'session'] }), ['layers[1]']],
    ['addresses that are none', described({ allowed_addresses: ['192.0.2.1/24'] }), ['allowed_addresses[0]']],
    ['no address at all', described({ allowed_addresses: [] }), ['allowed_addresses']],
    [
      'JWTs where there is more to see than a token',
      described({ layers: ['client-certificate', 'api-key'], token_format: 'jwt' }),
      ['token_format'],
    ],
    [
      'JWTs for some addresses',
      described({ allowed_addresses: ['::1'], token_format: 'jwt' }),
      ['token_format'],
    ],
    ['an organization of others', described({ organization: 'other' }), ['organization']],
  ])('refuses %s', async (_name, body, paths) => {
    expect(refusal(await world.dev.call('POST', '/v1/resources', body))).toEqual({
      status: 400,
      code: 'validation_failed',
      paths,
    })
  })

  it('refuses an address of the server itself', async () => {
    const body = described({ identifier: `${world.app.issuer}/mine` })
    expect(refusal(await world.dev.call('POST', '/v1/resources', body))).toMatchObject({
      paths: ['identifier'],
    })
  })

  it('refuses an identifier that is taken, also by others, and leaves theirs as it was', async () => {
    const before = (await world.mallory.call('GET', at(THEIRS))).json()
    expect(refusal(await world.dev.call('POST', '/v1/resources', described({ identifier: THEIRS })))).toEqual(
      {
        status: 409,
        code: 'conflict',
        paths: ['identifier'],
      },
    )
    expect((await world.mallory.call('GET', at(THEIRS))).json()).toEqual(before)
  })

  it('twenty at a time: one is made', async () => {
    const body = described()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? world.dev : world.mallory).call('POST', '/v1/resources', body),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
  })
})

describe('who sees and changes what', () => {
  it('a viewer looks on', async () => {
    expect((await world.vic.call('GET', '/v1/resources')).status).toBe(200)
    expect(refusal(await world.vic.call('PATCH', at(ORDERS), { name: 'Mine' }))).toMatchObject({
      status: 403,
    })
  })

  it("another organization's looks like none", async () => {
    for (const [method, body] of [
      ['GET', undefined],
      ['PATCH', { name: 'Mine' }],
      ['DELETE', undefined],
    ] as const)
      expect(refusal(await world.ada.call(method, at(THEIRS), body))).toEqual({
        status: 404,
        code: 'not_found',
      })
  })

  it('the built-in one is for administrators to see and for nobody to change', async () => {
    expect((await world.ada.call('GET', at(world.own))).status).toBe(404)
    expect((await world.root.call('GET', at(world.own))).json()).toMatchObject({ built_in: true })
    expect(refusal(await world.root.call('DELETE', at(world.own)))).toEqual({ status: 409, code: 'conflict' })
    expect(refusal(await world.root.call('PATCH', at(world.own), { name: 'x' }))).toEqual({
      status: 409,
      code: 'conflict',
    })
  })
})

describe('changing', () => {
  it('adds and takes away layers and addresses', async () => {
    const body = described({ layers: ['api-key', 'client-certificate', 'api-key'] })
    const { identifier, ...rest } = await made(world.ada, '/v1/resources', body)
    expect(rest).toMatchObject({ layers: ['client-certificate', 'api-key'], token_format: 'opaque' })
    const change = async (changes: object) => world.ada.call('PATCH', at(String(identifier)), changes)
    expect(refusal(await change({ token_format: 'jwt' })).paths).toEqual(['token_format'])
    const addresses = ['192.0.2.7', '2001:DB8::/32', '::ffff:198.51.100.0/120']
    expect((await change({ layers: [], allowed_addresses: addresses })).json()).toMatchObject({
      layers: [],
      allowed_addresses: ['192.0.2.7/32', '2001:db8::/32', '198.51.100.0/24'],
    })
    expect(refusal(await change({ token_format: 'jwt' })).paths).toEqual(['token_format'])
    const back = { allowed_addresses: null, token_format: 'jwt' }
    expect((await change(back)).json()).toMatchObject({ layers: [], ...back })
    const format = await change({ layers: ['client-certificate', 'access-token'] })
    expect(refusal(format).paths).toEqual(['token_format'])
    expect((await world.ada.call('GET', at(String(identifier)))).json()).toMatchObject({
      layers: [],
      ...back,
    })
  })

  it('adds, changes and takes away scopes one by one', async () => {
    const { identifier } = await made(world.ada, '/v1/resources', described())
    const changed = await world.ada.call('PATCH', at(String(identifier)), {
      name: 'Renamed',
      access_token_lifetime: 60,
      token_format: 'opaque',
      env: 'live',
      scopes: { admin: null, read: { description: 'Look' }, write: { description: 'Write' } },
    })
    expect(changed.json()).toMatchObject({
      name: 'Renamed',
      access_token_lifetime: 60,
      token_format: 'opaque',
      env: 'live',
      scopes: {
        read: { description: 'Look', restricted: false },
        write: { description: 'Write', restricted: false },
      },
    })
    expect(changed.json().scopes).not.toHaveProperty('admin')
  })

  it('a restricted scope stays restricted unless it is said otherwise', async () => {
    const { identifier } = await made(world.ada, '/v1/resources', described())
    const change = async (admin: object) => {
      const { scopes } = (await world.ada.call('PATCH', at(String(identifier)), { scopes: { admin } })).json()
      return (scopes as Record<string, object>).admin
    }
    expect(await change({ description: 'Everything' })).toEqual({
      description: 'Everything',
      restricted: true,
    })
    expect(await change({ description: 'All', restricted: false })).toEqual({
      description: 'All',
      restricted: false,
    })
  })

  it('a scope is opened to clients that registered themselves, and stays so unless it is said otherwise', async () => {
    const opened = { read: { description: 'Read it', self_registered: true } }
    const { identifier, scopes } = await made(world.ada, '/v1/resources', described({ scopes: opened }))
    expect(scopes).toEqual({ read: { description: 'Read it', restricted: false, self_registered: true } })
    const change = async (read: object) =>
      (await world.ada.call('PATCH', at(String(identifier)), { scopes: { read } })).json().scopes
    expect(await change({ description: 'Look' })).toMatchObject({ read: { self_registered: true } })
    expect(await change({ description: 'Look', self_registered: false })).toEqual({
      read: { description: 'Look', restricted: false },
    })
  })

  it('one address is taken in both spellings', async () => {
    const identifier = 'https://spelled.example.com'
    await made(world.ada, '/v1/resources', described({ identifier }))
    const other = await world.ada.call('POST', '/v1/resources', described({ identifier: `${identifier}/` }))
    expect([other.status, other.json().code]).toEqual([409, 'conflict'])
  })

  it('a scope that is taken away is gone from the clients that had it', async () => {
    const { identifier } = await made(world.ada, '/v1/resources', described())
    const ceiling = { [String(identifier)]: ['read', 'admin'] }
    const { client_id: id } = await made(world.ada, '/v1/clients', {
      client_name: 'Nightly',
      application_kind: 'service',
      resource_scopes: ceiling,
    })
    await world.ada.call('PATCH', at(String(identifier)), { scopes: { admin: null } })
    await world.ada.call('PATCH', at(String(identifier)), { scopes: { admin: { description: 'Again' } } })
    expect((await world.ada.call('GET', `/v1/clients/${id}`)).json().resource_scopes).toEqual({
      [String(identifier)]: ['read'],
    })
  })

  it('whoever registers a deleted identifier again begins with nothing', async () => {
    const { identifier, scopes } = await made(world.ada, '/v1/resources', described())
    const { client_id: id } = await made(world.ada, '/v1/clients', {
      client_name: 'Its server',
      application_kind: 'service',
      resource_scopes: { [String(identifier)]: ['read'] },
      introspect: [identifier],
    })
    expect((await world.ada.call('DELETE', at(String(identifier)))).status).toBe(204)
    await made(world.mallory, '/v1/resources', { identifier, name: 'Mine now', scopes })
    expect((await world.ada.call('GET', `/v1/clients/${id}`)).json()).toMatchObject({
      resource_scopes: {},
      introspect: [],
    })
    expect((await world.ada.call('GET', at(String(identifier)))).status).toBe(404)
  })

  it('a personal token for a deleted identifier is none for whoever registers it again', async () => {
    const { identifier, scopes } = await made(world.ada, '/v1/resources', described())
    const mine = { name: 'Mine', scopes: { [ORDERS]: ['read:orders'], [String(identifier)]: ['read'] } }
    const { secret } = await made(world.solo, '/v1/personal-access-tokens', mine)
    await world.ada.call('DELETE', at(String(identifier)))
    await made(world.mallory, '/v1/resources', { identifier, name: 'Mine now', scopes })
    const { client_id: server, secret: password } = await made(world.mallory, '/v1/clients', {
      client_name: 'Its server',
      application_kind: 'service',
      introspect: [identifier],
    })
    const { status, json } = await nobody(world.app).call('POST', '/introspect', `token=${secret}`, {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${server}:${password}`).toString('base64')}`,
    })
    expect([status, json()]).toEqual([200, { active: false }])
  })
})
