// What a key or personal token is good for, and what it is not: every row of the answers table, at our own door with a
// wanted resource, and what a first look (`/v1/credentials/self`) says.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Check } from '../../src/credentials/checks.ts'
import type { Wanted } from '../../src/credentials/kind.ts'
import type { NewMintedToken } from '../../src/credentials/minted-life-cycle.ts'
import { Problem } from '../../src/http/problem.ts'
import { describeRequest } from '../../src/http/request-view.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { allKnow, bearer, makeKey, makePersonalToken } from '../support/minted.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { startNode, type TestNode } from '../support/verifying-node.ts'
import { askSelf } from './kind.contract.ts'

let app: TestApp
let node: TestNode
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  node = await startNode(app)
})
afterAll(async () => {
  await node.stop()
  await app.close()
})

const THUMBPRINT = 'A'.repeat(43)
const orders: Wanted = { resource: ORDERS, scopes: ['read:orders'] }

async function refusal(headers: Record<string, string>, wanted: Wanted, address = '192.0.2.7') {
  const request = describeRequest({
    ...{ method: 'GET', url: `${app.issuer}/`, address },
    headers: Object.entries(headers),
  })
  const [kind] = node.kinds.filter(one => one.claim(request))
  try {
    const identity = await kind?.claim(request)?.(wanted)
    return { status: 200, scopes: identity?.scopes, code: undefined, challenge: undefined }
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { status, code, headers: sent } = error
    return { status, code, scopes: undefined, challenge: [sent['WWW-Authenticate'] ?? []].flat()[0] }
  }
}

const ofKey = async (wishes: Partial<NewMintedToken>, wanted: Wanted, address?: string) => {
  const { secret } = await makeKey(app, wishes)
  return await refusal(bearer(secret), wanted, address)
}

describe('a key for a request', () => {
  it('is good for its scopes at its resource', async () => {
    expect(await ofKey({}, orders)).toMatchObject({ status: 200, scopes: ['read:orders', 'write:orders'] })
    expect(await ofKey({}, {})).toMatchObject({ status: 200 })
  })

  it.each<[string, Partial<NewMintedToken>, Wanted, number, string]>([
    ['a scope it lacks', {}, { resource: ORDERS, scopes: ['admin:orders'] }, 403, 'insufficient_scope'],
    ['another resource', {}, { resource: STOCK, scopes: ['read:stock'] }, 403, 'wrong_audience'],
    ['a resource nobody knows', {}, { resource: 'https://nowhere.example' }, 403, 'wrong_audience'],
    ['another environment', { env: 'test' }, { ...orders, env: 'live' }, 403, 'wrong_environment'],
    ['another address', { allowedAddresses: ['198.51.100.0/24'] }, orders, 403, 'address_not_allowed'],
    ['a binding that was not shown', { cnf: { jkt: THUMBPRINT } }, orders, 401, 'invalid_token'],
    [
      'another key than the one it is bound to',
      { cnf: { 'x5t#S256': THUMBPRINT } },
      { ...orders, evidence: { 'x5t#S256': 'B'.repeat(43) } },
      401,
      'invalid_token',
    ],
  ])('%s: refused', async (_name, wishes, wanted, status, code) => {
    expect(await ofKey(wishes, wanted)).toMatchObject({ status, code })
  })

  it('names the scopes that are needed', async () => {
    const { challenge } = await ofKey({}, { resource: ORDERS, scopes: ['read:orders', 'admin:orders'] })
    expect(challenge).toContain('error="insufficient_scope", scope="read:orders admin:orders"')
  })

  it('is good with the key that it is bound to', async () => {
    const evidence = { jkt: THUMBPRINT }
    expect(await ofKey({ cnf: evidence }, { ...orders, evidence })).toMatchObject({ status: 200 })
  })

  it.each<[string, string, number]>([
    ['192.0.2.0/24', '192.0.2.7', 200],
    ['192.0.2.0/24', '192.0.3.7', 403],
    ['192.0.2.0/24', '::ffff:192.0.2.7', 200],
    ['192.0.2.0/24', '::ffff:c000:207', 200],
    ['::ffff:192.0.2.0/120', '192.0.2.255', 200],
    ['::ffff:192.0.2.0/120', '192.0.3.0', 403],
    ['2001:db8::/32', '2001:db8:ffff::1', 200],
    ['2001:db8::/32', '2001:DB9::1', 403],
    ['2001:db8::/32', '2001:db8::1%eth0', 200],
    ['::/0', '192.0.2.7', 403],
    ['0.0.0.0/0', '2001:db8::1', 403],
    ['192.0.2.7', '192.0.2.7', 200],
    ['192.0.2.7', '192.0.2.8', 403],
    ['0.0.0.0/0', '', 403],
    ['0.0.0.0/0', 'unknown', 403],
  ])('for %s, from %s: %s', async (range, address, status) => {
    const { secret } = await makeKey(app, { allowedAddresses: [range] })
    // Cold, and then from memory.
    for (let time = 0; time < 2; time++)
      expect((await refusal(bearer(secret), orders, address)).status).toBe(status)
  })

  it('belongs to the environment of the resource', async () => {
    const LIVE = 'https://live.example.com'
    const scopes = { read: { description: 'Read' } }
    await app.apply({
      resources: [{ identifier: LIVE, name: 'Live', env: 'live', scopes }],
      clients: [
        {
          client_id: 'live-service',
          client_secret: 'live-service-secret-for-tests-0123456789',
          grant_types: ['client_credentials'],
          resource_scopes: { [LIVE]: ['read'], [ORDERS]: ['read:orders'] },
        },
      ],
    })
    await allKnow(app)
    const owner = { type: 'client' as const, id: 'live-service' }
    expect(await ofKey({ owner, scopes: { [LIVE]: ['read'] } }, { resource: LIVE })).toMatchObject({
      status: 200,
    })
    const test = { owner, env: 'test', scopes: { [ORDERS]: ['read:orders'] } }
    expect(await ofKey(test, { resource: LIVE })).toMatchObject({ status: 403, code: 'wrong_environment' })
  })

  it('counts a request last, and says when to come again', async () => {
    const { secret } = await makeKey(app, { rateLimit: { requests: 2, seconds: 3600 } })
    expect(await refusal(bearer(secret), { ...orders, scopes: ['admin:orders'] })).toMatchObject({
      status: 403,
    })
    const answers = [1, 2, 3].map(() => askSelf(app, bearer(secret)))
    const all = await Promise.all(answers)
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 429])
    const over = await askSelf(app, bearer(secret))
    expect([over.status, over.json().code]).toEqual([429, 'rate_limited'])
    expect(over.headers['retry-after']).toMatch(/^3\d{3}$/)
    expect(over.headers['ratelimit-policy']).toBe('"credential";q=2;w=3600')
    expect(over.headers.ratelimit).toMatch(/^"credential";r=0;t=3\d{3}$/)
    expect(over.headers['www-authenticate']).toBeUndefined()
    expect(all.map(({ headers }) => headers.ratelimit).join()).toMatch(/r=1;.*r=0;|r=0;.*r=1;/)
  })

  it('warns in its last week', async () => {
    const soon = new Date(Date.now() + 6 * 86_400_000)
    const { secret } = await makeKey(app, { expiresAt: soon })
    const { headers } = await askSelf(app, bearer(secret))
    expect(headers['x-credential-warning']).toBe(`expires_soon; expires_at="${soon.toISOString()}"`)
    const later = await makeKey(app, { expiresAt: new Date(Date.now() + 8 * 86_400_000) })
    expect((await askSelf(app, bearer(later.secret))).headers['x-credential-warning']).toBeUndefined()
  })

  it('in the address: 400, whatever the field is called', async () => {
    const { secret } = await makeKey(app)
    for (const query of [`?access_token=${secret}`, `?api_key=${secret}`, `?x=${secret}`])
      expect((await askSelf(app, {}, query)).json()).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  it('beside another credential: 400', async () => {
    const { secret } = await makeKey(app)
    const other = await makePersonalToken(app)
    for (const headers of [
      { ...bearer(secret), 'x-api-key': secret },
      { ...bearer(other.secret), 'x-api-key': secret },
      { authorization: 'Basic YmlsbGluZzpzZWNyZXQ=', 'x-api-key': secret },
      { 'x-api-key': [secret, secret] },
    ])
      expect((await askSelf(app, headers)).json()).toMatchObject({
        status: 400,
        code: 'ambiguous_credentials',
      })
  })

  it('explains every check, in their order, and counts nothing', async () => {
    const { secret } = await makeKey(app, {
      rateLimit: { requests: 1, seconds: 3600 },
      allowedAddresses: ['198.51.100.0/24'],
    })
    const checks: Check[] = []
    const explain = (check: Check) => void checks.push(check)
    const wanted = { resource: ORDERS, scopes: ['admin:orders'], explain }
    for (let times = 0; times < 3; times++) {
      checks.length = 0
      expect(await refusal(bearer(secret), wanted)).toMatchObject({
        status: 403,
        code: 'address_not_allowed',
      })
    }
    expect(checks.map(({ name, passed }) => `${name} ${passed}`)).toEqual([
      ...['shape', 'known', 'secret', 'status', 'not_before', 'expiry', 'owner'].map(name => `${name} true`),
      ...[
        'environment true',
        'audience true',
        'address false',
        'binding true',
        'scopes false',
        'rate_limit true',
      ],
    ])
    for (const { detail } of checks) expect(detail).not.toContain(secret.slice(-49, -6))
  })
})

describe('a personal token', () => {
  it('has for several resources what its person may do at each', async () => {
    const { secret } = await makePersonalToken(
      app,
      { scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] } },
      'bob',
    )
    expect(await refusal(bearer(secret), { resource: STOCK })).toMatchObject({ scopes: ['read:stock'] })
    expect(await refusal(bearer(secret), orders)).toMatchObject({ scopes: ['read:orders'] })
    const self = (await askSelf(app, bearer(secret))).json()
    expect(self).toMatchObject({ resource: ORDERS, scopes: ['read:orders'], env: 'live' })
    expect(self).not.toHaveProperty('client_id')
  })
})
