// API keys and personal tokens at /introspect and /revoke, with the provider's own client authentication.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { askSelf } from '../credentials/kind.contract.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { type FlowClient, protocolPost } from '../support/authorization.ts'
import { billing, house, ORDERS, ordersSpa, ordersWeb, reports, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { askApp, doorsFile, warehouse } from './doors.ts'
import { createMaker, type Maker } from './minted.ts'

let app: TestApp
let ada: Maker
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  ada = await createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
})
afterAll(() => app.close())

const introspect = async (client: FlowClient, token: string, hint?: string) => {
  const params = { token, ...(hint && { token_type_hint: hint }) }
  const { status, body } = await protocolPost(app.issuer, '/introspect', client, params)
  expect(status).toBe(200)
  return body
}
const revoke = (client: FlowClient | undefined, token: string) =>
  protocolPost(app.issuer, '/revoke', client, { token })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const INACTIVE = { active: false }
const BINDING = { jkt: 'yOBRTLmcfYWRTp9Aa0RHFjSqbAuN8M3dZ0RgkmtZJbc' }

describe('a secret that was replaced for good', () => {
  it('is inactive, and reported, also when it only turns up here', async () => {
    const key = await ada.key({ scopes: { [ORDERS]: ['read:orders'] } })
    const rotated = await askApp(app, {
      method: 'POST',
      path: `/v1/api-keys/${key.id}/rotate`,
      headers: { ...ada.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ immediately: true }),
    })
    expect(rotated.status).toBe(200)
    expect(await introspect(billing, String(rotated.json().secret))).toMatchObject({ active: true })
    expect(await introspect(billing, key.secret)).toEqual(INACTIVE)
    await until('it is in the audit', async () => {
      const events = await app.db
        .selectFrom('audit_event')
        .select('type')
        .where('type', '=', 'retired_secret_used')
        .where('subject_id', '=', key.id)
        .execute()
      return events.length > 0
    })
  })
})

describe('introspection of an API key', () => {
  it('by its own client: all of it', async () => {
    const own = await ada.key({ scopes: { [ORDERS]: ['read:orders', 'write:orders'] } })
    expect(await introspect(billing, own.secret)).toEqual({
      active: true,
      sub: 'billing',
      client_id: 'billing',
      aud: ORDERS,
      iss: app.issuer,
      iat: expect.any(Number),
      scope: 'read:orders write:orders',
      token_type: 'Bearer',
      credential_kind: 'api-key',
      credential_id: own.id,
      env: 'live',
    })
  })

  it('with an end, an environment and a binding', async () => {
    const key = await ada.key({
      scopes: { [ORDERS]: ['read:orders'] },
      env: 'test',
      expires_at: '2099-01-01T00:00:00Z',
      cnf: BINDING,
    })
    expect(await introspect(billing, key.secret)).toMatchObject({
      active: true,
      env: 'test',
      exp: Date.parse('2099-01-01T00:00:00Z') / 1000,
      cnf: BINDING,
    })
  })

  it("by a resource's server: what is for it", async () => {
    const key = await ada.key({
      client_id: 'orders-spa',
      scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
    })
    expect(await introspect(ordersSpa, key.secret)).toMatchObject({
      aud: [ORDERS, STOCK],
      scope: 'read:orders read:stock',
    })
    expect(await introspect(billing, key.secret)).toMatchObject({
      client_id: 'orders-spa',
      aud: ORDERS,
      scope: 'read:orders',
    })
    expect(await introspect(warehouse, key.secret)).toMatchObject({ aud: STOCK, scope: 'read:stock' })
  })

  it('by a stranger: nothing', async () => {
    const { secret } = await ada.key({ scopes: { [ORDERS]: ['read:orders'] } })
    for (const client of [house, reports, warehouse, ordersWeb])
      for (const hint of [undefined, 'access_token', 'refresh_token'])
        expect(await introspect(client, secret, hint)).toEqual(INACTIVE)
  })

  it.each<[string, (secret: string) => string]>([
    ['mistyped', secret => `${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`],
    ['cut short', secret => secret.slice(0, -1)],
    ['unknown', () => 'lk_live_key_0123456789abcdef_0000000000000000000000000000000000000000000000000'],
  ])('that is %s', async (_name, spoil) => {
    const { secret } = await ada.key({ scopes: { [ORDERS]: ['read:orders'] } })
    expect(await introspect(billing, spoil(secret))).toEqual(INACTIVE)
  })

  it('with an address list is inactive: nobody says where it was used', async () => {
    const key = await ada.key({ scopes: { [ORDERS]: ['read:orders'] }, allowed_addresses: ['127.0.0.0/8'] })
    expect(await introspect(billing, key.secret)).toEqual(INACTIVE)
    expect((await askSelf(app, bearer(key.secret))).status).toBe(200)
  })

  it('takes nothing from a rate limit', async () => {
    const key = await ada.key({
      scopes: { [ORDERS]: ['read:orders'] },
      rate_limit: { requests: 1, seconds: 3_600 },
    })
    for (let times = 0; times < 3; times++)
      expect(await introspect(billing, key.secret)).toMatchObject({ active: true })
    expect((await askSelf(app, bearer(key.secret))).status).toBe(200)
    expect((await askSelf(app, bearer(key.secret))).status).toBe(429)
  })
})

describe('introspection of a personal token', () => {
  it("by a resource's server: the account, and no client", async () => {
    const token = await ada.token({ scopes: { [ORDERS]: ['read:orders', 'admin:orders'] } })
    const { id } = await app.db
      .selectFrom('account')
      .select('id')
      .where('username', '=', 'ada')
      .executeTakeFirstOrThrow()
    const found = await introspect(billing, token.secret)
    expect(found).toEqual({
      active: true,
      sub: id,
      aud: ORDERS,
      iss: app.issuer,
      iat: expect.any(Number),
      exp: expect.any(Number),
      scope: 'read:orders admin:orders',
      token_type: 'Bearer',
      credential_kind: 'personal-access-token',
      credential_id: token.id,
      env: 'live',
    })
  })

  it('by a stranger: nothing', async () => {
    const { secret } = await ada.token({ scopes: { [ORDERS]: ['read:orders'] } })
    for (const client of [house, reports, warehouse, ordersWeb])
      expect(await introspect(client, secret)).toEqual(INACTIVE)
  })
})

describe('revocation by who holds it', () => {
  it.each<[string, (fields: object) => Promise<{ id: string; secret: string }>, object]>([
    ['an API key', fields => ada.key(fields), {}],
    ['a personal token', fields => ada.token(fields), {}],
    ['a key that may not be used from here', fields => ada.key(fields), { allowed_addresses: ['192.0.2.1'] }],
    ['a key that is not valid yet', fields => ada.key(fields), { not_before: '2099-01-01T00:00:00Z' }],
  ])('%s: by any client', async (_name, make, fields) => {
    const made = await make({ scopes: { [ORDERS]: ['read:orders'] }, ...fields })
    expect((await revoke(house, made.secret)).status).toBe(200)
    expect((await askSelf(app, bearer(made.secret))).status).toBe(401)
    expect(await introspect(billing, made.secret)).toEqual(INACTIVE)
    const event = await app.db
      .selectFrom('audit_event')
      .selectAll()
      .where('subject_id', '=', made.id)
      .where('type', 'like', '%_revoked')
      .executeTakeFirstOrThrow()
    expect(event).toMatchObject({
      actor_type: 'client',
      actor_id: 'house',
      detail: { reason: 'revoked_by_holder' },
    })
    expect((await revoke(house, made.secret)).status).toBe(200)
  })

  it('not without a client, and not with half of it', async () => {
    const { secret } = await ada.key({ scopes: { [ORDERS]: ['read:orders'] } })
    expect((await revoke(undefined, secret)).status).toBe(400)
    expect(
      (await revoke({ ...house, client_secret: 'wrong-wrong-wrong-wrong-wrong-wrong' }, secret)).status,
    ).toBe(401)
    expect((await revoke(house, `${secret.slice(0, -7)}0000000`)).status).toBe(200)
    expect((await askSelf(app, bearer(secret))).status).toBe(200)
  })
})
