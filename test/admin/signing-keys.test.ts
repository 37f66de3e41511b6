// `/v1/signing-keys` and the command that asks it: who may, what they see, and what becomes of tokens.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createAudit } from '../../src/audit/audit.ts'
import { endSigningKey, moveSigningKeys, PUBLISHED_BEFORE_USE } from '../../src/keys/rotate-signing-keys.ts'
import { SIGNING_ALGS } from '../../src/secrets/signing-alg.ts'
import { bearer, type Caller, clientToken, sessionOf } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { billing, ORDERS, ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { keysGrowOlder } from '../support/signing-key.ts'

const ops = {
  client_id: 'ops',
  client_secret: 'ops-secret-for-tests-only-0123456789abcdef',
  grant_types: ['client_credentials'],
}

let app: TestApp
let root: Caller
let ada: Caller
beforeAll(async () => {
  app = await startApp({ SIGNING_KEY_LIFETIME: '30d' }, ordersFile)
  await app.apply({
    accounts: [{ username: 'root', name: 'Root', password: PASSWORD, admin: true }],
    clients: [
      { ...ops, resource_scopes: { [`${app.issuer}/v1`]: ['signing-keys:read', 'signing-keys:write'] } },
    ],
  })
  root = await sessionOf(app, 'root')
  ada = await sessionOf(app, 'ada')
})
afterAll(() => app.close())

interface Key {
  readonly kid: string
  readonly alg: string
  readonly state: string
  readonly [name: string]: string | null
}

const PATH = '/v1/signing-keys'
const list = async (caller = root) => (await caller.call('GET', PATH)).json().data as Key[]
const find = async (alg: string, state: string) =>
  (await list()).find(key => key.alg === alg && key.state === state)
const rotate = async (body: object, caller = root, query = '') =>
  await caller.call('POST', `${PATH}/rotate${query}`, body)
const published = async () => {
  const { keys } = (await (await fetch(`${app.issuer}/jwks`)).json()) as { keys: { kid: string }[] }
  return keys.map(({ kid }) => kid)
}
const issue = async () => {
  const params = { grant_type: 'client_credentials', resource: ORDERS }
  return (await protocolPost(app.issuer, '/token', billing, params)).body.access_token ?? ''
}
const introspect = async (token: string) =>
  (await protocolPost(app.issuer, '/introspect', billing, { token })).body as Record<string, unknown>
const isActive = async (token: string) => (await introspect(token)).active === true

/** As on another node: nobody tells this one but the change log. */
const rotationDeps = () => ({
  db: app.db,
  keyring: app.keyring,
  audit: createAudit({ db: app.db, log: app.log }),
  config: app.config,
  longestTokenLifetime: 3600,
  longestSession: 90 * 86_400,
})

describe('who may', () => {
  it('administrators, and clients whose ceiling says so; nobody else', async () => {
    expect(await list()).toHaveLength(6)
    expect(await list(await clientToken(app, ops))).toHaveLength(6)
    for (const answer of [await ada.call('GET', PATH), await rotate({}, ada)])
      expect([answer.status, answer.json().code]).toEqual([403, 'insufficient_scope'])
    const reader = await clientToken(app, ops, 'signing-keys:read')
    expect((await reader.call('GET', PATH)).status).toBe(200)
    expect((await rotate({}, reader)).status).toBe(403)
  })
})

it('the list says when what happens, and has nothing private', async () => {
  const answer = await root.call('GET', PATH)
  expect(answer.text).not.toMatch(/"d"|sealed|private/)
  const seconds = (from: string | null | undefined, to: string | null | undefined) =>
    (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000
  for (const alg of SIGNING_ALGS) {
    const current = await find(alg, 'current')
    expect(seconds(current?.activated_at, current?.rotates_at)).toBe(30 * 86_400)
    const next = await find(alg, 'next')
    expect(seconds(next?.created_at, next?.usable_at)).toBe(PUBLISHED_BEFORE_USE)
    expect([next?.activated_at, next?.rotates_at, next?.expires_at]).toEqual([null, null, null])
  }
})

it.each([
  [{ alg: 'HS256' }, 'alg'],
  [{ emergency: true }, 'kid'],
  [{ emergency: true, kid: 'x', alg: 'ES256' }, 'alg'],
  [{ kid: 'x' }, 'kid'],
  [{ now: true }, 'now'],
])('a mistake is named: %j', async (body, path) => {
  const answer = await rotate(body)
  expect([answer.status, answer.json().errors]).toEqual([400, [expect.objectContaining({ path })]])
})

it.each(['nobodys', 'a\0b', '\ud800'])('an unknown kid is 404 or 400: %j', async kid => {
  expect([400, 404]).toContain((await rotate({ emergency: true, kid })).status)
})

it('on demand: too early it is said when, later the next key signs; both keys verify', async () => {
  const [current, next] = [await find('ES256', 'current'), await find('ES256', 'next')]
  const before = await issue()
  const early = await rotate({ alg: 'ES256' })
  expect([early.status, early.json().revoked]).toEqual([200, 0])
  expect((await find('ES256', 'current'))?.rotates_at).toBe(next?.usable_at)
  expect(decodeProtectedHeader(await issue()).kid).toBe(current?.kid)

  await keysGrowOlder(app.db, PUBLISHED_BEFORE_USE)
  await rotate({ alg: 'ES256' })
  const after = await issue()
  expect(decodeProtectedHeader(after).kid).toBe(next?.kid)
  expect((await find('ES256', 'previous'))?.kid).toBe(current?.kid)
  expect(await published()).toEqual(expect.arrayContaining([String(current?.kid), String(next?.kid)]))
  for (const token of [before, after]) expect(await isActive(token)).toBe(true)
  expect(
    await app.db
      .selectFrom('audit_event')
      .select(['actor_type', 'detail'])
      .where('type', '=', 'signing_key_rotation_requested')
      .execute(),
  ).toEqual([{ actor_type: 'account', detail: { alg: 'ES256' } }])
})

it('an ID token signs out when its key has long left the JWKS; an access token of that key is nothing', async () => {
  const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, {
    params: { scope: 'openid read:orders', resource: ORDERS },
  })
  const { access_token: accessToken = '', id_token: idToken = '' } = token.body
  const { kid } = decodeProtectedHeader(idToken)
  const deps = rotationDeps()
  for (const seconds of [31 * 86_400, 7200]) {
    await keysGrowOlder(app.db, seconds)
    await moveSigningKeys(deps)
    await keysGrowOlder(app.db, PUBLISHED_BEFORE_USE)
  }
  await until('the key is out of the JWKS', async () => !(await published()).includes(String(kid)))
  expect(decodeProtectedHeader(await issue()).kid).not.toBe(kid)
  expect(await isActive(accessToken)).toBe(false)
  const query = new URLSearchParams({ id_token_hint: idToken })
  const signOut = async () =>
    (await fetch(`${app.issuer}/end_session?${query}`, { redirect: 'manual' })).status
  expect(await signOut()).toBe(200)
  await endSigningKey(deps, { actor: { type: 'system' } }, String(kid))
  await until('the hint is refused', async () => (await signOut()) === 400)
})

it('in an emergency what the key signed is refused at every door, and the next key signs', async () => {
  const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, {
    params: { scope: 'openid read:orders', resource: ORDERS },
  })
  const { access_token: persons = '', id_token: idToken = '' } = token.body
  const services = await issue()
  const own = await clientToken(app, ops)
  const [current, next] = [await find('ES256', 'current'), await find('ES256', 'next')]
  const kid = String(current?.kid)
  expect([persons, services, idToken].map(jwt => decodeProtectedHeader(jwt).kid)).toEqual([kid, kid, kid])
  const signOut = () =>
    fetch(`${app.issuer}/end_session?${new URLSearchParams({ id_token_hint: idToken })}`, {
      redirect: 'manual',
    })
  expect((await signOut()).status).toBe(200)
  const userinfo = () => fetch(`${app.issuer}/userinfo`, { headers: { authorization: `Bearer ${persons}` } })
  expect((await userinfo()).status).toBe(200)

  const { status } = decodeJwt<{ status: { status_list: { uri: string } } }>(services)
  const list = async () => decodeProtectedHeader(await (await fetch(status.status_list.uri)).text()).kid
  expect(await list()).toBe(kid)

  const answer = await rotate({ emergency: true, kid }, root, '?wait=all&timeout=30')
  expect([answer.status, answer.json()]).toMatchObject([
    200,
    { revoked: 1, nodes: { live: 1, acknowledged: 1 } },
  ])

  expect(await published()).not.toContain(kid)
  expect(await list()).toBe(next?.kid)
  for (const jwt of [persons, services]) expect(await introspect(jwt)).toEqual({ active: false })
  expect((await userinfo()).status).toBe(401)
  expect((await own.call('GET', PATH)).status).toBe(401)
  expect((await bearer(app, services).call('GET', PATH)).status).toBe(401)
  expect((await signOut()).status).toBe(400)
  expect(decodeProtectedHeader(await issue()).kid).toBe(next?.kid)
  expect(await isActive(await issue())).toBe(true)

  const refreshed = await protocolPost(app.issuer, '/token', ordersWeb, {
    grant_type: 'refresh_token',
    refresh_token: token.body.refresh_token ?? '',
  })
  expect(decodeProtectedHeader(refreshed.body.access_token ?? '').kid).toBe(next?.kid)
  expect((await rotate({ emergency: true, kid })).status).toBe(404)
})

it('a key that another node ends is not believed here either', async () => {
  const token = await issue()
  expect(await isActive(token)).toBe(true)
  const { kid } = decodeProtectedHeader(token)
  await endSigningKey(rotationDeps(), { actor: { type: 'system' } }, String(kid))
  await until('the token is refused', async () => !(await isActive(token)))
  expect(await published()).not.toContain(kid)
})
