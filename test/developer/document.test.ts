// What the routes answer is what the document says they answer: one object of each sort, made, read, changed and ended.
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { type Caller, nobody } from '../support/api-callers.ts'
import { createAuthority, createSelfSigned } from '../support/certificates.ts'
import { ORDERS } from '../support/orders.ts'
import { expectPublished, type PublishedApi, publishedApi, routesOf } from '../support/published-api.ts'
import { startWorld, type World } from './world.ts'

let world: World
let api: PublishedApi
const answered = new Set<string>()
const WAIT = '?wait=all&timeout=30'
const WAITED = { revoked: 1, nodes: { live: 1, acknowledged: 1 } }
beforeAll(async () => {
  world = await startWorld()
  api = await publishedApi(world.app)
})
afterAll(() => world.app.close())

/** Asks, and checks the answer against the document. */
async function ask(
  caller: Caller,
  name: string,
  ids: Record<string, unknown> = {},
  body?: unknown,
  query = '',
) {
  const route = routesOf(api).find(({ method, path }) => `${method} ${path}` === name)
  if (!route) throw new Error(`${name} is not in the document`)
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(String(ids[key])))
  const answer = await caller.call(route.method, path + query, body)
  expect([name, answer.status < 300 ? 'good' : answer.text]).toEqual([name, 'good'])
  expectPublished(api, route, answer)
  answered.add(name)
  return answer.text === '' ? {} : answer.json()
}

it('organizations', async () => {
  const { id } = await ask(world.root, 'POST /v1/organizations', {}, { name: 'New' })
  await ask(world.root, 'GET /v1/organizations/{id}', { id })
  await ask(world.root, 'PATCH /v1/organizations/{id}', { id }, { name: 'Newer' })
  const member = { account: 'solo', role: 'viewer' }
  const { account_id } = await ask(world.root, 'POST /v1/organizations/{id}/members', { id }, member)
  await ask(world.root, 'GET /v1/organizations/{id}/members', { id })
  await ask(world.root, 'GET /v1/organizations/{id}/members/{account_id}', { id, account_id })
  const role = { role: 'owner' }
  await ask(world.root, 'PATCH /v1/organizations/{id}/members/{account_id}', { id, account_id }, role)
  await ask(world.root, 'DELETE /v1/organizations/{id}/members/{account_id}', { id, account_id })
  await ask(world.root, 'GET /v1/organizations')
})

it('resources', async () => {
  const body = {
    identifier: 'https://new.example.com',
    name: 'New',
    scopes: { read: { description: 'Read' } },
  }
  const { identifier } = await ask(world.dev, 'POST /v1/resources', {}, body)
  await ask(world.dev, 'GET /v1/resources/{identifier}', { identifier })
  await ask(world.dev, 'PATCH /v1/resources/{identifier}', { identifier }, { scopes: { read: null } })
  await ask(world.dev, 'GET /v1/resources')
  await ask(world.dev, 'DELETE /v1/resources/{identifier}', { identifier }, undefined, WAIT)
})

it('clients and their secrets', async () => {
  const body = {
    client_name: 'New',
    application_kind: 'web_server',
    redirect_uris: ['https://new.example.com/callback'],
    client_uri: 'https://new.example.com',
    contacts: ['ops@example.com'],
    resource_scopes: { [ORDERS]: ['read:orders'] },
    default_scope: 'openid',
  }
  const { client_id } = await ask(world.dev, 'POST /v1/clients', {}, body)
  await ask(world.dev, 'GET /v1/clients/{client_id}', { client_id })
  const changes = { client_uri: null, disabled: true }
  const shut = await ask(world.dev, 'PATCH /v1/clients/{client_id}', { client_id }, changes, WAIT)
  expect(shut).toMatchObject({ client_id, disabled: true, ...WAITED })
  const made = await ask(world.dev, 'POST /v1/clients/{client_id}/secrets', { client_id })
  const ids = { client_id, secret_id: made.id }
  await ask(world.dev, 'GET /v1/clients/{client_id}/secrets/{secret_id}', ids)
  const rotate = 'POST /v1/clients/{client_id}/secrets/{secret_id}/rotate'
  const second = await ask(world.dev, rotate, ids, { grace_seconds: 9 })
  const again = { client_id, secret_id: second.id }
  const third = await ask(world.dev, rotate, again, { immediately: true }, WAIT)
  expect(third).toMatchObject({ secret: expect.any(String), ...WAITED })
  await ask(world.dev, 'DELETE /v1/clients/{client_id}/secrets/{secret_id}', ids)
  await ask(world.dev, 'GET /v1/clients')
  await ask(world.dev, 'DELETE /v1/clients/{client_id}', { client_id })
})

it.each([
  ['personal-access-tokens', {}],
  ['api-keys', { client_id: 'ci' }],
  ['signing-secrets', { client_id: 'ci', cnf: undefined }],
])('%s', async (name, owner) => {
  const body = {
    name: 'New',
    scopes: { [ORDERS]: ['read:orders'] },
    allowed_addresses: ['192.0.2.0/24'],
    rate_limit: { requests: 1, seconds: 1 },
    cnf: { jkt: 'A'.repeat(43) },
    not_before: '2026-01-01T00:00:00Z',
    ...owner,
  }
  const { id } = await ask(world.dev, `POST /v1/${name}`, {}, body)
  await ask(world.dev, `GET /v1/${name}/{id}`, { id })
  await ask(world.dev, `POST /v1/${name}/{id}/rotate`, { id })
  const rotated = await ask(world.dev, `POST /v1/${name}/{id}/rotate`, { id }, { immediately: true }, WAIT)
  expect(rotated).toMatchObject({ id, secret: expect.any(String), ...WAITED })
  const owns = name === 'personal-access-tokens' ? world.dev : world.ada
  await ask(owns, `POST /v1/${name}/{id}/release`, { id })
  await ask(world.dev, `GET /v1/${name}`)
  await ask(world.dev, 'GET /v1/usage', {}, undefined, `?credential_id=${id}`)
  await ask(world.dev, `DELETE /v1/${name}/{id}`, { id })
})

it('client certificates', async () => {
  const [scopes, ca] = [{ [ORDERS]: ['read:orders'] }, createAuthority().cert]
  const body = { client_id: 'ci', name: 'New', scopes, ca, san: { dns: 'ci.example.com' } }
  const { id } = await ask(world.dev, 'POST /v1/client-certificates', {}, body)
  const pinned = { client_id: 'ci', name: 'Pinned', scopes, certificate: createSelfSigned().cert }
  await ask(world.dev, 'POST /v1/client-certificates', {}, pinned)
  await ask(world.dev, 'GET /v1/client-certificates/{id}', { id })
  await ask(world.dev, 'GET /v1/client-certificates')
  await ask(world.dev, 'DELETE /v1/client-certificates/{id}', { id })
})

it('signing keys and master secrets', async () => {
  await ask(world.root, 'GET /v1/secrets')
  await ask(world.root, 'GET /v1/signing-keys')
  await ask(world.root, 'POST /v1/signing-keys/rotate', {}, { alg: 'EdDSA' })
  await ask(world.root, 'POST /v1/signing-keys/rotate', {}, {}, '?wait=all&timeout=30')
})

it('leaks, which anybody reports', async () => {
  await ask(nobody(world.app), 'POST /v1/leaks', {}, { tokens: ['nonsense'], source: 'here' })
})

it('accounts', async () => {
  const body = { username: 'new', name: 'New', password: 'correct horse battery staple' }
  await world.app.apply({ accounts: [body] })
  const { data } = (await ask(world.root, 'GET /v1/accounts')) as { data: { id: string }[] }
  const { id } = data[0] ?? {}
  await ask(world.root, 'GET /v1/accounts/{id}', { id })
  await ask(world.root, 'PATCH /v1/accounts/{id}', { id }, { disabled: true })
  await ask(world.root, 'DELETE /v1/accounts/{id}', { id })
})

it('revocations', async () => {
  for (const name of ['POST /v1/revocations', 'POST /v1/revocations/own']) {
    const filter = { client_id: 'theirs', kind: 'client-tokens' }
    const { plan } = await ask(world.root, name, {}, filter)
    await ask(world.root, name, {}, { ...filter, dry_run: false, plan })
  }
})

it('the caller itself', async () => {
  for (const caller of [world.dev, world.ci]) await ask(caller, 'GET /v1/credentials/self')
})

it('has left out none', () => {
  const elsewhere = ['POST /v1/verify', 'DELETE /v1/credentials/self', 'POST /v1/credentials/self/rotate']
  const all = routesOf(api).map(({ method, path }) => `${method} ${path}`)
  expect([...answered, ...elsewhere].sort()).toEqual(all.sort())
})
