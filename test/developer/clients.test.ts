// /v1/clients: registering, changing and ending a client, and its secrets.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { clientToken, made } from '../support/api-callers.ts'
import { protocolPost } from '../support/authorization.ts'
import { ORDERS, STOCK } from '../support/orders.ts'
import { refusal, startWorld, THEIRS, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

const tokenWith = (clientId: unknown, secret: unknown) =>
  protocolPost(
    world.app.issuer,
    '/token',
    { client_id: String(clientId), client_secret: String(secret) },
    { grant_type: 'client_credentials', resource: ORDERS },
  )

const service = (more: object = {}) => ({
  client_name: 'Nightly',
  application_kind: 'service',
  resource_scopes: { [ORDERS]: ['read:orders'] },
  ...more,
})

describe('registering', () => {
  it('a service: the settings of its kind, a secret once, and the secret works', async () => {
    const answer = await world.dev.call('POST', '/v1/clients', service())
    expect(answer.status).toBe(201)
    const client = answer.json()
    expect(answer.headers.location).toBe(`/v1/clients/${client.client_id}`)
    expect(client).toMatchObject({
      client_name: 'Nightly',
      organization: 'acme',
      application_kind: 'service',
      application_type: 'web',
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_basic',
      resource_scopes: { [ORDERS]: ['read:orders'] },
      redirect_uris: [],
      require_pkce: true,
      require_consent: true,
      disabled: false,
      secret: expect.stringMatching(/^[\w-]{43}$/),
      created_at: expect.stringMatching(/Z$/),
    })
    const again = await world.dev.call('GET', `/v1/clients/${client.client_id}`)
    const { secret, ...shown } = client
    expect(again.json()).toEqual(shown)
    expect(shown.secrets).toEqual([
      expect.objectContaining({ last4: String(secret).slice(-4), expires_at: null }),
    ])
    expect((await tokenWith(client.client_id, secret)).status).toBe(200)
  })

  it.each([
    ['web_server', 'https://app.example.com/callback', 'web', 'client_secret_basic'],
    ['single_page', 'https://app.example.com/callback', 'web', 'none'],
    ['mobile', 'com.example.app:/callback', 'native', 'none'],
    ['command_line', 'http://127.0.0.1/callback', 'native', 'none'],
  ])('%s', async (kind, uri, type, method) => {
    const client = await made(world.ada, '/v1/clients', {
      client_name: 'App',
      application_kind: kind,
      redirect_uris: [uri],
    })
    expect(client).toMatchObject({
      application_kind: kind,
      application_type: type,
      token_endpoint_auth_method: method,
      grant_types: ['authorization_code', 'refresh_token'],
    })
    expect(client.secret === undefined).toBe(method === 'none')
  })

  it('by the names of RFC 7591 alone', async () => {
    const client = await made(world.ada, '/v1/clients', {
      client_name: 'By hand',
      redirect_uris: ['https://app.example.com/callback'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_post',
      contacts: ['ops@example.com'],
      client_uri: 'https://app.example.com',
    })
    expect(client).toMatchObject({
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_post',
      contacts: ['ops@example.com'],
      client_uri: 'https://app.example.com',
    })
  })

  const nul = String.fromCharCode(0)
  it.each<[string, unknown, string[]]>([
    ['nothing', {}, ['client_name']],
    ['an unknown key', service({ redirect_url: 'x' }), ['redirect_url']],
    ['a name of 10 kB', service({ client_name: 'x'.repeat(10_000) }), ['client_name']],
    ['a name with a control character', service({ client_name: 'a\u0007b' }), ['client_name']],
    ['a name that is a number', service({ client_name: 7 }), ['client_name']],
    [
      'scopes of another organization',
      service({ resource_scopes: { [THEIRS]: ['read:theirs'] } }),
      [`resource_scopes["${THEIRS}"]`],
    ],
    [
      'a scope that does not exist',
      service({ resource_scopes: { [ORDERS]: ['read:order'] } }),
      [`resource_scopes["${ORDERS}"][0]`],
    ],
    ['the server of what is not theirs', service({ introspect: [THEIRS] }), ['introspect[0]']],
    ['an organization of others', service({ organization: 'other' }), ['organization']],
    ['an organization that does not exist', service({ organization: 'nowhere' }), ['organization']],
    ['no organization', service({ organization: null }), ['organization']],
    ['a public service', service({ token_endpoint_auth_method: 'none' }), ['grant_types[0]']],
    ['no grant type', service({ grant_types: [] }), ['grant_types']],
    ['an unknown grant type', service({ grant_types: ['password'] }), ['grant_types[0]']],
    ['no redirect URI', { client_name: 'App', application_kind: 'web_server' }, ['redirect_uris']],
    [
      'plain http',
      { client_name: 'App', application_kind: 'web_server', redirect_uris: ['http://app.example.com/'] },
      ['redirect_uris[0]'],
    ],
    [
      'less care than an administrator asks for',
      service({ require_pkce: false, require_consent: false }),
      ['require_pkce', 'require_consent'],
    ],
  ])('refuses %s', async (_name, body, paths) => {
    const before = (await world.dev.call('GET', '/v1/clients?limit=100')).json().data as unknown[]
    expect(refusal(await world.dev.call('POST', '/v1/clients', body))).toEqual({
      status: 400,
      code: 'validation_failed',
      paths,
    })
    const after = (await world.dev.call('GET', '/v1/clients?limit=100')).json().data as unknown[]
    expect(after).toHaveLength(before.length)
  })

  it.each([
    ['not JSON', '{', 400, 'invalid_request'],
    ['U+0000', JSON.stringify(service({ client_name: `a${nul}b` })), 400, 'invalid_request'],
    ['a lone surrogate', JSON.stringify(service({ client_name: 'a\ud800b' })), 400, 'invalid_request'],
    ['too much', JSON.stringify(service({ client_name: 'x'.repeat(70_000) })), 413, 'content_too_large'],
  ])('refuses a body that is %s', async (_name, body, status, code) => {
    expect(refusal(await world.dev.call('POST', '/v1/clients', body))).toEqual({ status, code })
  })

  it('refuses a form', async () => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await world.dev.call('POST', '/v1/clients', 'client_name=App', headers)
    expect(refusal(answer)).toEqual({ status: 415, code: 'unsupported_media_type' })
  })

  it('an administrator registers anywhere, also without an organization, and may ask for less care', async () => {
    const body = service({
      organization: null,
      require_consent: false,
      resource_scopes: { [THEIRS]: ['read:theirs'] },
    })
    expect(await made(world.root, '/v1/clients', body)).toMatchObject({
      organization: null,
      require_consent: false,
    })
  })

  it('whoever is in no organization is told so', async () => {
    const answer = await world.ci.call('POST', '/v1/clients', service({ organization: 'acme' }))
    expect(answer.status).toBe(201)
    expect(refusal(await world.solo.call('POST', '/v1/clients', service()))).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
    })
  })

  it('gives of our own API what the caller may do itself, and no more', async () => {
    const asking = (scopes: string[]) => service({ resource_scopes: { [world.own]: scopes } })
    const { client_id: id, secret } = await made(
      world.dev,
      '/v1/clients',
      asking(['clients:read', 'tokens:read']),
    )
    const caller = await clientToken(world.app, { client_id: String(id), client_secret: String(secret) })
    expect((await caller.call('GET', '/v1/clients')).status).toBe(200)
    for (const [who, scope] of [
      [world.dev, 'organizations:write'],
      [world.ada, 'accounts:write'],
      [world.dev, 'revoke'],
    ] as const)
      expect(refusal(await who.call('POST', '/v1/clients', asking([scope])))).toMatchObject({
        code: 'validation_failed',
        paths: [`resource_scopes["${world.own}"][0]`],
      })
    expect((await world.ada.call('POST', '/v1/clients', asking(['organizations:write']))).status).toBe(201)
  })
})

describe('roles and organizations', () => {
  it('a viewer looks on', async () => {
    expect((await world.vic.call('GET', '/v1/clients')).status).toBe(200)
    expect((await world.vic.call('GET', '/v1/clients/ci')).status).toBe(200)
    expect(refusal(await world.vic.call('POST', '/v1/clients', service()))).toMatchObject({ status: 403 })
  })

  it("another organization's client looks like none", async () => {
    const none = await world.ada.call('GET', '/v1/clients/no-such-client')
    for (const [method, path, body] of [
      ['GET', '/v1/clients/theirs', undefined],
      ['PATCH', '/v1/clients/theirs', { client_name: 'Mine' }],
      ['DELETE', '/v1/clients/theirs', undefined],
      ['POST', '/v1/clients/theirs/secrets', {}],
    ] as const) {
      const answer = await world.ada.call(method, path, body)
      const { request_id: _own, ...said } = answer.json()
      const { request_id: _other, ...expected } = none.json()
      expect(said).toEqual(expected)
    }
    const { data } = (await world.ada.call('GET', '/v1/clients?limit=100')).json() as {
      data: { organization: string }[]
    }
    expect(new Set(data.map(({ organization }) => organization))).toEqual(new Set(['acme']))
  })

  it('a role in one organization counts for nothing in another', async () => {
    await world.app.apply({
      organizations: [
        {
          id: 'other',
          name: 'Other',
          members: [
            { account: 'mallory', role: 'owner' },
            { account: 'dev', role: 'viewer' },
          ],
        },
      ],
    })
    expect((await world.dev.call('GET', '/v1/clients/theirs')).status).toBe(200)
    expect(refusal(await world.dev.call('PATCH', '/v1/clients/theirs', { client_name: 'Mine' }))).toEqual({
      status: 403,
      code: 'access_denied',
    })
    expect(refusal(await world.dev.call('POST', '/v1/clients', service({ organization: 'other' })))).toEqual({
      status: 403,
      code: 'access_denied',
    })
  })

  it('an administrator sees everything', async () => {
    expect((await world.root.call('GET', '/v1/clients/theirs')).status).toBe(200)
  })
})

describe('changing', () => {
  it('what is left out stays, lists are replaced, null takes away', async () => {
    const { client_id: id } = await made(world.ada, '/v1/clients', {
      client_name: 'Shop',
      application_kind: 'web_server',
      redirect_uris: ['https://a.example.com/cb'],
      resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
      client_uri: 'https://a.example.com',
      default_scope: 'openid read:orders',
    })
    const changed = await world.ada.call('PATCH', `/v1/clients/${id}`, {
      redirect_uris: ['https://b.example.com/cb'],
      resource_scopes: { [STOCK]: ['read:stock'] },
      client_uri: null,
      default_scope: null,
    })
    expect(changed.status).toBe(200)
    expect(changed.json()).toMatchObject({
      client_name: 'Shop',
      redirect_uris: ['https://b.example.com/cb'],
      resource_scopes: { [STOCK]: ['read:stock'] },
      default_scope: null,
    })
    expect(changed.json()).not.toHaveProperty('client_uri')
  })

  it('checks the whole of it again', async () => {
    const { client_id: id } = await made(world.ada, '/v1/clients', service({ default_scope: 'read:orders' }))
    const answer = await world.ada.call('PATCH', `/v1/clients/${id}`, { resource_scopes: {} })
    expect(refusal(answer)).toMatchObject({ code: 'validation_failed', paths: ['default_scope'] })
  })

  it('two at a time do not undo each other', async () => {
    const { client_id: id } = await made(world.ada, '/v1/clients', service())
    await Promise.all([
      world.ada.call('PATCH', `/v1/clients/${id}`, { client_name: 'Renamed' }),
      world.dev.call('PATCH', `/v1/clients/${id}`, { resource_scopes: { [STOCK]: ['read:stock'] } }),
    ])
    expect((await world.ada.call('GET', `/v1/clients/${id}`)).json()).toMatchObject({
      client_name: 'Renamed',
      resource_scopes: { [STOCK]: ['read:stock'] },
    })
  })

  it('a client that is shut is out at once, and back when it is opened', async () => {
    const { client_id: id, secret } = await made(world.ada, '/v1/clients', service())
    await world.ada.call('PATCH', `/v1/clients/${id}`, { disabled: true })
    expect((await tokenWith(id, secret)).status).toBe(401)
    await world.ada.call('PATCH', `/v1/clients/${id}`, { disabled: false })
    expect((await tokenWith(id, secret)).status).toBe(200)
  })

  it('a client that is deleted is gone with everything that was issued to it', async () => {
    const body = service({ resource_scopes: { [world.own]: ['clients:read'] } })
    const { client_id: id, secret } = await made(world.ada, '/v1/clients', body)
    const caller = await clientToken(world.app, { client_id: String(id), client_secret: String(secret) })
    expect((await caller.call('GET', '/v1/clients')).status).toBe(200)
    const answer = await world.ada.call('DELETE', `/v1/clients/${id}`)
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect((await world.ada.call('GET', `/v1/clients/${id}`)).status).toBe(404)
    expect((await caller.call('GET', '/v1/clients')).status).toBe(401)
    expect((await world.ada.call('DELETE', `/v1/clients/${id}`)).status).toBe(404)
  })

  it('with wait=all says when every process knows', async () => {
    const { client_id: id } = await made(world.ada, '/v1/clients', service())
    const answer = await world.ada.call('DELETE', `/v1/clients/${id}?wait=all&timeout=30`)
    expect([answer.status, answer.json()]).toEqual([
      200,
      {
        revoked: 1,
        position: expect.stringMatching(/^\d+$/),
        nodes: { live: 1, acknowledged: 1 },
        took_ms: expect.any(Number),
      },
    ])
  })
})

describe('what is left behind', () => {
  it('an audit row for every change, in words, without a secret', async () => {
    const { client_id: id, secret } = await made(world.ada, '/v1/clients', service())
    await world.ada.call('PATCH', `/v1/clients/${id}`, { client_name: 'Renamed' })
    await world.ada.call('PATCH', `/v1/clients/${id}`, { client_name: 'Renamed' })
    await world.ada.call('POST', `/v1/clients/${id}/secrets`, {})
    await world.ada.call('DELETE', `/v1/clients/${id}`)
    const rows = await world.app.db
      .selectFrom('audit_event')
      .selectAll()
      .where('client_id', '=', String(id))
      .orderBy('id')
      .execute()
    expect(rows.map(({ type }) => type)).toEqual([
      'client_registered',
      'client_changed',
      'client_secret_created',
      'client_deleted',
    ])
    for (const row of rows)
      expect(row).toMatchObject({
        outcome: 'success',
        actor_type: 'account',
        credential_kind: 'session',
        organization_id: 'acme',
      })
    expect(JSON.stringify(rows)).not.toContain(String(secret))
  })
})
