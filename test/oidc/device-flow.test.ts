// The device grant (RFC 8628), from both sides: what the device is told, and what the person's answer comes to.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import { appendChange } from '../../src/db/change-log.ts'
import { ensureSigningKeys } from '../../src/keys/signing-keys.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost, type TokenResponse } from '../support/authorization.ts'
import {
  askForCodes,
  DEVICE_GRANT,
  type DeviceCodes,
  decide,
  devicesFile,
  enterCode,
  kiosk,
  poll,
  television,
} from '../support/devices.ts'
import { parse } from '../support/html.ts'
import { billing, ORDERS, ordersWeb, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, devicesFile)
})
afterAll(() => app?.close())

/** As if the device had waited: nothing in these tests takes time. */
async function later(codes: DeviceCodes, seconds = 60): Promise<void> {
  const { rows } = await sql`
    UPDATE device_code SET polled_at = polled_at - make_interval(secs => ${seconds}),
      expires_at = expires_at - make_interval(secs => ${seconds})
    WHERE id = (SELECT id FROM device_code ORDER BY created_at DESC LIMIT 1) RETURNING id
  `.execute(app.db)
  expect([codes.interval, rows.length]).toEqual([5, 1])
}

interface Connected {
  readonly codes: DeviceCodes
  readonly token: TokenResponse
}

/** Asks, is allowed by ada, and gets its tokens. */
async function connect(
  client: typeof television | typeof kiosk = television,
  params: Record<string, string | string[]> = {},
  agent = app.agent(),
): Promise<Connected> {
  const codes = await askForCodes(app.issuer, client, params)
  const done = await decide(agent, await enterCode(agent, codes.user_code), 'allow')
  expect(parse(done.text).text).toContain('Your device is connected')
  return { codes, token: await poll(app.issuer, codes.device_code, client) }
}

const errorOf = ({ status, body }: TokenResponse) => [status, body.error]
const refresh = (token: string | undefined, client: typeof television | typeof kiosk = television) =>
  protocolPost(app.issuer, '/token', client, { grant_type: 'refresh_token', refresh_token: token ?? '' })
const isActive = async (token: string | undefined) =>
  (await protocolPost(app.issuer, '/introspect', billing, { token: token ?? '' })).body.active

describe('a device', () => {
  test('waits for the person, and gets tokens like any other client', async () => {
    const codes = await askForCodes(app.issuer)
    expect(codes).toEqual({
      device_code: expect.stringMatching(/^[\w-]{43}$/),
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${app.issuer}/device`,
      verification_uri_complete: `${app.issuer}/device?user_code=${codes.user_code}`,
      expires_in: 600,
      interval: 5,
    })
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'authorization_pending'])

    const agent = app.agent()
    const question = await enterCode(agent, codes.user_code.toLowerCase().replace('-', ' '))
    const asked = parse(question.text).text
    for (const told of ['Orders on television', 'Ada Lovelace', 'See your orders', '127.0.0.1', 'just now'])
      expect(asked).toContain(told)
    await decide(agent, question, 'allow')

    const { status, body } = await poll(app.issuer, codes.device_code)
    expect([status, body.token_type, body.scope]).toEqual([200, 'Bearer', 'read:orders'])
    const claims = decodeJwt(body.access_token ?? '')
    expect(claims).toMatchObject({
      aud: ORDERS,
      client_id: 'orders-tv',
      scope: 'read:orders',
      acr: 'urn:latchkey:acr:password',
      amr: ['pwd'],
      auth_time: expect.any(Number),
      grant_id: expect.any(String),
    })
    const idToken = decodeJwt(body.id_token ?? '')
    expect(idToken).toMatchObject({ sub: claims.sub, aud: 'orders-tv' })
    expect(idToken).not.toHaveProperty('sid')
    expect(await isActive(body.access_token)).toBe(true)

    const refreshed = await refresh(body.refresh_token)
    expect([refreshed.status, refreshed.body.scope]).toEqual([200, 'read:orders'])
  })

  test('gets tokens once: who comes again ends them', async () => {
    const { codes, token } = await connect()
    expect(token.status).toBe(200)
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'invalid_grant'])
    expect(await isActive(token.body.access_token)).toBe(false)
    expect(errorOf(await refresh(token.body.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  test('cannot use the code of another client, and changes nothing by trying', async () => {
    const codes = await askForCodes(app.issuer)
    for (let i = 0; i < 3; i++)
      expect(errorOf(await poll(app.issuer, codes.device_code, kiosk))).toEqual([400, 'invalid_grant'])
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'authorization_pending'])
    const agent = app.agent()
    await decide(agent, await enterCode(agent, codes.user_code), 'allow')
    expect(errorOf(await poll(app.issuer, codes.device_code, kiosk))).toEqual([400, 'invalid_grant'])
    expect((await poll(app.issuer, codes.device_code)).status).toBe(200)
  })

  test('is told of a denial as often as it asks', async () => {
    const codes = await askForCodes(app.issuer)
    const agent = app.agent()
    const done = await decide(agent, await enterCode(agent, codes.user_code), 'deny')
    expect(parse(done.text).text).toContain('Your device is not connected')
    for (let i = 0; i < 2; i++)
      expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'access_denied'])
  })

  test('that comes too soon is slowed down, by five seconds each time', async () => {
    const codes = await askForCodes(app.issuer)
    const ask = async () => (await poll(app.issuer, codes.device_code)).body.error
    // A negative time does not end while the test runs.
    const askAfter = async (seconds: number) => {
      await sql`
        UPDATE device_code SET polled_at = clock_timestamp() - make_interval(secs => ${seconds})
        WHERE id = (SELECT id FROM device_code ORDER BY created_at DESC LIMIT 1)
      `.execute(app.db)
      return ask()
    }
    expect([await ask(), await askAfter(-60), await askAfter(-60)]).toEqual([
      'authorization_pending',
      'slow_down',
      'slow_down',
    ])
    const { poll_interval } = await app.db
      .selectFrom('device_code')
      .select('poll_interval')
      .orderBy('created_at', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow()
    expect(poll_interval).toBe(15)
    expect(await askAfter(6)).toBe('slow_down')
    expect(await askAfter(20)).toBe('authorization_pending')
    // Once somebody has decided, there is nothing to wait for.
    const agent = app.agent()
    await decide(agent, await enterCode(agent, codes.user_code), 'allow')
    expect((await poll(app.issuer, codes.device_code)).status).toBe(200)
  })

  test('whose code has run out starts again', async () => {
    const codes = await askForCodes(app.issuer)
    const agent = app.agent()
    const question = await enterCode(agent, codes.user_code)
    await later(codes, 600)
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'expired_token'])
    expect((await decide(agent, question, 'allow')).status).toBe(410)
    const again = await enterCode(app.agent(), codes.user_code)
    expect([again.status, parse(again.text).text]).toEqual([422, expect.stringContaining('not the code')])
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'expired_token'])
  })

  test('goes on through new signing keys', async () => {
    const codes = await askForCodes(app.issuer)
    const agent = app.agent()
    const question = await enterCode(agent, codes.user_code)
    const keys = async () =>
      ((await (await fetch(`${app.issuer}/jwks`)).json()) as { keys: unknown[] }).keys.length
    const before = await keys()
    await app.db.updateTable('signing_key').set({ state: 'previous' }).execute()
    await ensureSigningKeys(app.db, app.keyring)
    await appendChange(app.db, 'signing-key', {})
    await until('the provider has the new keys', async () => (await keys()) > before)
    await decide(agent, question, 'allow')
    expect((await poll(app.issuer, codes.device_code)).status).toBe(200)
  })
})

describe('what a device may ask for', () => {
  const refused = async (client: typeof television | typeof kiosk | typeof ordersWeb, params = {}) =>
    errorOf(await protocolPost(app.issuer, '/device_authorization', client, params))

  test.each([
    ['a scope nobody knows', television, { scope: 'openid fly:moon' }, 'invalid_scope'],
    ['nothing but a scope nobody knows', kiosk, { scope: 'fly:moon' }, 'invalid_scope'],
    ['a scope outside its ceiling', kiosk, { scope: 'write:orders', resource: ORDERS }, 'invalid_scope'],
    ['a resource that is not for it', television, { resource: STOCK }, 'invalid_target'],
    [
      'a scope of one of its resources, without saying which',
      kiosk,
      { scope: 'read:stock' },
      'invalid_target',
    ],
    ['a scope that cannot be stored', television, { scope: 'openid \0' }, 'invalid_request'],
    ['two scopes', television, { scope: ['openid', 'profile'] }, 'invalid_request'],
    ['a scope of blanks', television, { scope: '  ' }, 'invalid_scope'],
    ['a resource that is no address', television, { resource: 'orders' }, 'invalid_target'],
    ['anything without the grant type', ordersWeb, {}, 'invalid_request'],
    ['anything as somebody else', { ...kiosk, client_secret: 'wrong' }, {}, 'invalid_client'],
  ])('not %s', async (_what, client, params, error) => {
    const before = await app.db.selectFrom('device_code').select('id').execute()
    const answered = await refused(client as typeof television, params)
    expect(answered[1]).toBe(error)
    expect(await app.db.selectFrom('device_code').select('id').execute()).toEqual(before)
  })

  test('several resources: the token request chooses, and a wrong choice does not use the code up', async () => {
    const resource = [ORDERS, STOCK]
    const codes = await askForCodes(app.issuer, kiosk, { scope: 'openid read:orders read:stock', resource })
    const agent = app.agent()
    await decide(agent, await enterCode(agent, codes.user_code), 'allow')
    expect(errorOf(await poll(app.issuer, codes.device_code, kiosk))).toEqual([400, 'invalid_target'])
    const chosen = await poll(app.issuer, codes.device_code, kiosk, { resource: STOCK })
    expect([chosen.status, chosen.body.scope]).toEqual([200, 'read:stock'])
  })

  test('what the person unticked is left out', async () => {
    const codes = await askForCodes(app.issuer, television, { scope: 'read:orders write:orders' })
    const agent = app.agent()
    await decide(agent, await enterCode(agent, codes.user_code), 'allow', ['write:orders'])
    expect((await poll(app.issuer, codes.device_code)).body.scope).toBe('read:orders')
  })

  test('nothing ticked is a denial', async () => {
    const codes = await askForCodes(app.issuer, television, { scope: 'read:orders' })
    const agent = app.agent()
    await decide(agent, await enterCode(agent, codes.user_code), 'allow', ['read:orders'])
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'access_denied'])
  })

  test('what the form adds is not given', async () => {
    const codes = await askForCodes(app.issuer, television, { scope: 'read:orders' })
    const agent = app.agent()
    const question = await enterCode(agent, codes.user_code)
    const scope = ['read:orders', 'write:orders', 'openid']
    await agent.submit(question, { decision: 'allow', scope }, { button: 'Deny' })
    expect((await poll(app.issuer, codes.device_code)).body.scope).toBe('read:orders')
  })

  test('what the account may not have can only be denied', async () => {
    const codes = await askForCodes(app.issuer, television, { scope: 'admin:orders' })
    const agent = app.agent()
    const question = await enterCode(agent, codes.user_code, 'bob')
    const { forms, text } = parse(question.text)
    expect(text).toContain('Your account has none of the permissions that it asks for.')
    expect(forms.flatMap(({ buttons }) => buttons)).not.toContain('Allow')
    const scope = 'admin:orders'
    await agent.submit(question, { decision: 'allow', scope }, { button: 'Deny' })
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'access_denied'])
  })
})

test.each([
  ['a code that nobody has', { device_code: 'x' }, 'invalid_grant'],
  ['a very long code', { device_code: 'x'.repeat(50_000) }, 'invalid_grant'],
  ['no code', {}, 'invalid_request'],
  ['a user code', { device_code: 'BCDF-GHJK' }, 'invalid_grant'],
])('a poll with %s is refused', async (_what, params, error) => {
  const grant = { grant_type: DEVICE_GRANT, ...params } as Record<string, string>
  expect(errorOf(await protocolPost(app.issuer, '/token', television, grant))).toEqual([400, error])
})

test('asking is for devices: no GET, no scripts of other origins', async () => {
  expect((await fetch(`${app.issuer}/device_authorization`)).status).toBe(405)
  const origin = new URL(ordersWeb.redirect_uris?.[0] ?? '').origin
  const answer = await fetch(`${app.issuer}/device_authorization`, {
    method: 'POST',
    headers: { origin },
    body: new URLSearchParams({ client_id: television.client_id }),
  })
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, null])
  expect(answer.headers.get('cache-control')).toBe('no-store')
})

describe('the grant of a device', () => {
  test('outlives the session of the browser that allowed it', async () => {
    const agent = app.agent()
    const { token } = await connect(television, {}, agent)
    await agent.submit(await agent.get('/account'), {}, { button: 'Sign out' })
    expect((await agent.get('/account')).status).toBe(303)
    expect(await isActive(token.body.access_token)).toBe(true)
    expect((await refresh(token.body.refresh_token)).status).toBe(200)
  })

  test.each([
    ['asks for consent', television],
    ['is the operator’s own', kiosk],
  ])('is listed under Applications and ends there, when its client %s', async (_which, client) => {
    const agent = app.agent()
    const { token } = await connect(client, { scope: 'openid read:orders', resource: ORDERS }, agent)
    expect(await isActive(token.body.access_token)).toBe(true)
    const page = await agent.get('/account/applications')
    expect(parse(page.text).text).toContain(client.client_name)
    const action = `/account/applications/${client.client_id}/withdraw`
    expect((await agent.submit(page, {}, { action })).status).toBe(303)
    expect(await isActive(token.body.access_token)).toBe(false)
    if (token.body.refresh_token !== undefined)
      expect(errorOf(await refresh(token.body.refresh_token))).toEqual([400, 'invalid_grant'])
  })

  test('ends when its client revokes the refresh token', async () => {
    const { token } = await connect()
    await protocolPost(app.issuer, '/revoke', television, { token: token.body.refresh_token ?? '' })
    expect(await isActive(token.body.access_token)).toBe(false)
  })

  test('an allowed code of a disabled account is worth nothing', async () => {
    await app.apply({
      accounts: [{ username: 'carl', name: 'Carl', password: 'correct horse battery staple' }],
    })
    const codes = await askForCodes(app.issuer)
    const agent = app.agent()
    await decide(agent, await enterCode(agent, codes.user_code, 'carl'), 'allow')
    await app.db
      .updateTable('account')
      .set({ disabled_at: new Date() })
      .where('username', '=', 'carl')
      .execute()
    expect(errorOf(await poll(app.issuer, codes.device_code))).toEqual([400, 'invalid_grant'])
  })
})

test('all of it is in the audit', async () => {
  const { token } = await connect()
  const grant = decodeJwt(token.body.access_token ?? '').grant_id
  const codes = await askForCodes(app.issuer)
  const agent = app.agent()
  await decide(agent, await enterCode(agent, codes.user_code), 'deny')
  const { rows } = await sql<{ type: string; outcome: string }>`
    SELECT type, outcome FROM audit_event WHERE client_id = 'orders-tv'
      AND (detail->>'grant_id' = ${grant} OR type = 'consent_denied')
  `.execute(app.db)
  expect(rows).toEqual(
    expect.arrayContaining([
      { type: 'consent_given', outcome: 'success' },
      { type: 'consent_denied', outcome: 'refused' },
    ]),
  )
})
