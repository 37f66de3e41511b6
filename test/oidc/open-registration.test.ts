// CLIENT_REGISTRATION=open: anybody may register, for OpenID Connect scopes only, and not without end.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { MOST_IN_TOTAL, MOST_OF_NETWORK } from '../../src/clients/registration-quota.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow } from '../support/authorization.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import {
  fillQuota,
  INITIAL_ACCESS_TOKENS,
  INITIAL_TOKEN,
  REDIRECT_URI,
  register,
  send,
} from '../support/registration.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp(
    { CLIENT_REGISTRATION: 'open', TRUSTED_PROXIES: '127.0.0.1,::1' },
    { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS },
  )
})
afterAll(() => app.close())
afterEach(async () => {
  await app.db.deleteFrom('client').where('registration', '=', 'dynamic').execute()
  await app.db.deleteFrom('sign_in_throttle').execute()
})

const METADATA = { redirect_uris: ['http://127.0.0.1:9126/callback'], token_endpoint_auth_method: 'none' }

/** Behind the trusted proxy, from an address. */
const from = (address: string, metadata: object = METADATA, token?: string) =>
  send(`${app.issuer}/register`, 'POST', { token, body: metadata, headers: { 'x-forwarded-for': address } })

const open = (metadata: object = METADATA) => send(`${app.issuer}/register`, 'POST', { body: metadata })

describe('without a token', () => {
  test('a client may have OpenID Connect scopes, and nothing of any resource', async () => {
    const { status, body } = await open({ ...METADATA, scope: 'openid profile read:orders' })
    expect([status, body.scope]).toEqual([201, 'openid profile'])
    const client = { ...body, redirect_uris: METADATA.redirect_uris }
    const { token } = await codeFlow(app.issuer, app.agent(), client, { params: { scope: undefined } })
    expect(token.body).toMatchObject({ scope: 'openid profile', id_token: expect.any(String) })
    for (const params of [{ scope: 'openid read:orders' }, { scope: 'openid', resource: ORDERS }]) {
      const page = await app.agent().get(
        `/authorize?${new URLSearchParams({
          client_id: body.client_id,
          redirect_uri: METADATA.redirect_uris[0] ?? '',
          response_type: 'code',
          code_challenge: 'x'.repeat(43),
          code_challenge_method: 'S256',
          ...params,
        })}`,
      )
      expect(page.location ?? page.text).toMatch(/error=invalid_(scope|target)/)
    }
  })

  test.each([
    ['client credentials', { grant_types: ['client_credentials'], response_types: [] }],
    [
      'the device grant',
      { grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], response_types: [] },
    ],
  ])('%s is not for it', async (_name, metadata) => {
    expect(await open(metadata)).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } })
    const { body } = await open()
    const put = { ...METADATA, client_id: body.client_id, token_endpoint_auth_method: 'client_secret_basic' }
    const { registration_client_uri: url, registration_access_token: token } = body
    expect((await send(url, 'PUT', { token, body: put })).status).toBe(200)
    expect((await send(url, 'PUT', { token, body: { ...put, ...metadata } })).status).toBe(400)
  })

  test('scopes that a resource has opened to such clients can be registered', async () => {
    const scopes = { 'read:notes': { description: 'Read your notes', self_registered: true } }
    await app.apply({ resources: [{ identifier: 'https://notes.example.com', name: 'Notes', scopes }] })
    const { body } = await open({ ...METADATA, scope: 'openid read:notes read:orders' })
    expect(body.scope).toBe('openid read:notes')
    const client = { ...body, redirect_uris: METADATA.redirect_uris }
    const params = { scope: undefined, resource: 'https://notes.example.com' }
    const { token } = await codeFlow(app.issuer, app.agent(), client, { params })
    expect(token.body.scope).toBe('read:notes')
  })

  test('one that is sent counts: a good one has its ceiling, a bad one is refused', async () => {
    const good = await register(app, { redirect_uris: [REDIRECT_URI], scope: 'read:orders' }, INITIAL_TOKEN)
    expect([good.status, good.body.scope]).toEqual([201, 'read:orders'])
    expect((await register(app, undefined, 'x'.repeat(43))).status).toBe(401)
  })
})

describe('never-used clients', () => {
  const full = { status: 429, body: { error: 'temporarily_unavailable' } }

  test('of one network are so many, and the answer says when there is room', async () => {
    for (let made = 0; made < MOST_OF_NETWORK; made++)
      expect((await from(`2001:db8::${made + 1}`)).status).toBe(201)
    const refused = await from('2001:db8::ffff')
    expect(refused).toMatchObject(full)
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(86_000)
    expect(seconds).toBeLessThanOrEqual(86_400)
    expect(refused.headers.get('access-control-allow-origin')).toBe('*')
    // Another network, and whoever has a token.
    expect((await from('2001:db8:0:1::1')).status).toBe(201)
    expect((await from('2001:db8::1', METADATA, INITIAL_TOKEN)).status).toBe(201)
  })

  test('make room when one is deleted, or used', async () => {
    const { body: deleted } = await open()
    const { body: used } = await open()
    await fillQuota(app.db, deleted.client_id, MOST_OF_NETWORK - 2)
    expect(await open()).toMatchObject(full)
    await send(deleted.registration_client_uri, 'DELETE', { token: deleted.registration_access_token })
    expect((await open()).status).toBe(201)
    expect(await open()).toMatchObject(full)
    await codeFlow(app.issuer, app.agent(), { ...used, redirect_uris: METADATA.redirect_uris })
    await until('the use is written', async () => (await open()).status === 201)
    expect(await open()).toMatchObject(full)
  })

  test('may be changed so often', async () => {
    const { body } = await open()
    const { body: known } = await register(app, METADATA)
    const rename = async (client: typeof body, count: number) => {
      const fields = { ...METADATA, client_id: client.client_id, client_name: `Name ${count}` }
      const token = client.registration_access_token
      return (await send(client.registration_client_uri, 'PUT', { token, body: fields })).status
    }
    const outcomes: number[] = []
    for (let tries = 0; tries < 60; tries++) outcomes.push(await rename(body, tries))
    expect(outcomes.indexOf(429)).toBe(59)
    expect(await rename(known, 1)).toBe(200)
  })

  test('of all networks together are so many', async () => {
    const { body } = await open()
    await fillQuota(app.db, body.client_id, MOST_IN_TOTAL - 1, { elsewhere: true })
    expect(await from('198.51.100.7')).toMatchObject(full)
    await app.db.deleteFrom('client').where('client_id', '=', 'filler-1').execute()
    expect((await from('198.51.100.7')).status).toBe(201)
    expect(await from('203.0.113.9')).toMatchObject(full)
  })

  test('a mistake costs nothing', async () => {
    const { body } = await open()
    await fillQuota(app.db, body.client_id, MOST_OF_NETWORK - 2)
    for (let tries = 0; tries < 5; tries++)
      expect((await open({ redirect_uris: ['http://x.example/'] })).status).toBe(400)
    expect((await open()).status).toBe(201)
  })

  test('registering and deleting over and over comes to an end too', async () => {
    const outcomes: number[] = []
    for (let tries = 0; tries < 61; tries++) {
      const { status, body, headers } = await open()
      outcomes.push(status)
      if (status === 429) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      else await send(body.registration_client_uri, 'DELETE', { token: body.registration_access_token })
    }
    expect(outcomes.filter(status => status === 201)).toHaveLength(60)
    expect(outcomes.at(-1)).toBe(429)
    // What never had anything is not remembered for months.
    expect(await app.db.selectFrom('revocation').where('kind', '=', 'client').selectAll().execute()).toEqual(
      [],
    )
  })

  test('the table knows no address', async () => {
    await from('198.51.100.77')
    const rows = await app.db.selectFrom('client_registration').selectAll().execute()
    expect(
      JSON.stringify(rows.map(row => ({ ...row, source_hash: row.source_hash?.toString() }))),
    ).not.toContain('198.51.100')
  })
})
