// A registered certificate at every door: where it counts, what it does not get past, and what is written down.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { findClientCredential } from '../../src/credentials/client-credential.ts'
import { createVerifier, Refusal } from '../../src/verifier/verifier.ts'
import { callerWith, sessionOf } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { type Authority, createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { BEHIND_PROXY, shown } from '../support/certified.ts'
import { makeCertificate } from '../support/client-certificates.ts'
import { askForwardAuth, toldBy } from '../support/forward-auth.ts'
import { bearer, makeKey, makePersonalToken, SYSTEM } from '../support/minted.ts'
import { billing, ORDERS, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { queriesDuring } from '../support/queries.ts'
import { clientCredentialsOf } from '../support/signing.ts'
import { askVerify, doorsFile, relayed, resultOf, verifierToken } from '../verify/doors.ts'
import { askSelf } from './kind.contract.ts'

const ADDRESS = `${ORDERS}/orders/7`
const NAME = { dns: 'billing.example.com' }

let app: TestApp
let authority: Authority
let pinned: Holder
let named: Holder
let id: string
beforeAll(async () => {
  app = await startApp(BEHIND_PROXY, doorsFile)
  authority = createAuthority()
  pinned = createSelfSigned()
  named = authority.intermediate().issue({ names: [NAME] })
  id = (await makeCertificate(app, { certificate: pinned.cert })).id
  await makeCertificate(app, { ca: authority.cert, san: NAME })
})
afterAll(() => app?.close())

const identity = () => ({
  kind: 'client-certificate',
  subject: { type: 'client', id: 'billing' },
  client_id: 'billing',
  organization: 'acme',
  resource: ORDERS,
  env: 'live',
})

async function verify(pem: string | undefined, more: object = {}, wanted: object = {}) {
  const request = {
    method: 'GET',
    url: ADDRESS,
    headers: [],
    ...(pem !== undefined && { client_certificate: pem }),
    ...more,
  }
  const caller = await verifierToken(app)
  return resultOf(await askVerify(app, caller, { request, resource: ORDERS, ...wanted }))
}

describe('POST /v1/verify', () => {
  it('takes the certificate that the API was shown, with what came with it', async () => {
    const { notAfter } = { notAfter: expect.stringMatching(/Z$/) }
    expect(await verify(pinned.cert, {}, { scopes: ['write:orders'] })).toMatchObject({
      allowed: true,
      identity: {
        ...identity(),
        credential_id: id,
        scopes: ['read:orders', 'write:orders'],
        expires_at: notAfter,
      },
    })
    expect(await verify(named.chain)).toMatchObject({ allowed: true, identity: identity() })
    expect(relayed(await verify(named.cert))).toMatchObject({ status: 401, code: 'invalid_token' })
  })

  it('refuses as for a key: other scopes, resources, environments, addresses', async () => {
    expect(relayed(await verify(pinned.cert, {}, { scopes: ['admin:orders'] }))).toMatchObject({
      status: 403,
      code: 'insufficient_scope',
    })
    expect(relayed(await verify(pinned.cert, {}, { env: 'test' }))).toMatchObject({
      code: 'wrong_environment',
    })
    const holder = createSelfSigned()
    const wishes = { allowedAddresses: ['192.0.2.0/24'], rateLimit: { requests: 1, seconds: 3600 } }
    await makeCertificate(app, { certificate: holder.cert }, wishes)
    const from = (client_address: string) => verify(holder.cert, { client_address })
    expect(relayed(await from('198.51.100.1'))).toMatchObject({ status: 403, code: 'address_not_allowed' })
    expect((await from('192.0.2.1')).allowed).toBe(true)
    expect(relayed(await from('192.0.2.1'))).toMatchObject({ status: 429, code: 'rate_limited' })
    const elsewhere = {
      request: { method: 'GET', url: ADDRESS, headers: [], client_certificate: pinned.cert },
    }
    const warehouse = await verifierToken(app, doorsFile.clients.at(-1) as typeof billing)
    const answer = await askVerify(app, warehouse, { ...elsewhere, resource: STOCK })
    expect(relayed(resultOf(answer))).toMatchObject({ status: 403, code: 'wrong_audience' })
  })

  it('explains what was looked at', async () => {
    const { checks } = await verify(pinned.cert, {}, { explain: true })
    expect(checks).toEqual(
      expect.arrayContaining([
        { name: 'presented', passed: true, detail: 'client-certificate' },
        { name: 'known', passed: true, detail: `its id is ${id}` },
        expect.objectContaining({ name: 'expiry', passed: true }),
        expect.objectContaining({ name: 'rate_limit', passed: true }),
      ]),
    )
    const details = async (holder: Holder) =>
      (await verify(holder.chain, {}, { explain: true })).checks?.find(({ name }) => name === 'known')?.detail
    expect(await details(createSelfSigned())).toBe('no client has registered it')
    expect(await details(createAuthority().issue({ names: [NAME] }))).toBe(
      'no trusted authority has issued it',
    )
    expect(await details(authority.issue({ names: [NAME], usage: 'serverAuth' }))).toContain('client')
  })
})

describe('who claims a request', () => {
  it('an explicit credential wins, good or bad; its binding is proved by the certificate', async () => {
    const { token, secret } = await makePersonalToken(app, { cnf: { 'x5t#S256': pinned.thumbprint } })
    const beside = await askSelf(app, { ...bearer(secret), ...shown(pinned) })
    expect(beside.json()).toMatchObject({ kind: 'personal-access-token', credential_id: token.id })
    const bad = await askSelf(app, { ...bearer('nobody-knows-this'), ...shown(pinned) })
    expect([bad.status, bad.json().code]).toEqual([401, 'invalid_token'])
    const basic = await askSelf(app, { authorization: 'Negotiate abc', ...shown(pinned) })
    expect([basic.status, basic.json().code]).toEqual([401, 'unauthenticated'])
  })

  it('a cookie loses, also against a certificate that nobody knows', async () => {
    const { cookie = '' } = (await sessionOf(app, 'ada')).headers
    expect((await askSelf(app, { cookie })).json().kind).toBe('session')
    expect((await askSelf(app, { cookie, ...shown(pinned) })).json().kind).toBe('client-certificate')
    expect((await askSelf(app, { cookie, ...shown(createSelfSigned()) })).status).toBe(401)
  })

  it('the first registration that is alive counts, whoever comes later', async () => {
    // Nobody has seen what is between when the second one is registered.
    const holder = authority.intermediate().issue({ names: [{ dns: 'twice.example.com' }] })
    const first = await makeCertificate(app, { ca: authority.cert, san: { dns: 'twice.example.com' } })
    const owner = { type: 'client', id: 'reports' } as const
    const scopes = { [ORDERS]: ['read:orders'] }
    const second = await makeCertificate(app, { certificate: holder.cert }, { owner, scopes })
    const now = async () => (await askSelf(app, shown(holder))).json().credential_id
    expect(await now()).toBe(first.id)
    await clientCredentialsOf(app).clientCredentials.revoke(SYSTEM, first.id)
    expect(await now()).toBe(second.id)
  })
})

describe('our own API', () => {
  it('asks nothing of the database for a certificate that it knows', async () => {
    await askSelf(app, shown(pinned))
    expect(await queriesDuring(() => askSelf(app, shown(pinned)))).toEqual([])
  })

  it('lets it end itself', async () => {
    const holder = createSelfSigned()
    await makeCertificate(app, { certificate: holder.cert })
    const caller = callerWith(app, shown(holder))
    expect((await caller.call('POST', '/v1/credentials/self/rotate', {})).status).toBe(409)
    expect((await caller.call('DELETE', '/v1/credentials/self')).status).toBe(204)
    expect((await caller.call('GET', '/v1/credentials/self')).status).toBe(401)
  })

  it('takes no change from a page of another site, to which a browser shows it as well', async () => {
    const holder = createSelfSigned()
    await makeCertificate(app, { certificate: holder.cert })
    const from = (site: string) =>
      callerWith(app, { ...shown(holder), 'sec-fetch-site': site, origin: 'https://evil.example' })
    for (const site of ['cross-site', 'same-site']) {
      const refused = await from(site).call('DELETE', '/v1/credentials/self')
      expect([refused.status, refused.json().code]).toEqual([403, 'csrf_failed'])
      expect((await from(site).call('GET', '/v1/credentials/self')).status).toBe(200)
    }
    const older = (origin: string) => callerWith(app, { ...shown(holder), origin })
    for (const origin of ['https://evil.example', 'null', `${app.issuer}.evil.example`])
      expect((await older(origin).call('DELETE', '/v1/credentials/self')).status).toBe(403)
    expect((await from('same-origin').call('DELETE', '/v1/credentials/self')).status).toBe(204)
  })

  it('writes down who was registered, when it was used, and why one was refused', async () => {
    const holder = createSelfSigned()
    const made = await makeCertificate(app, { certificate: holder.cert })
    await callerWith(app, { ...shown(holder), 'user-agent': 'a test' }).call('GET', '/v1/credentials/self')
    await askSelf(app, shown(authority.issue({ names: [NAME], usage: 'serverAuth' })))
    const used = () => findClientCredential(app.db, made.id).then(found => found?.lastUsed)
    await until('its use is written down', async () => (await used()) !== null)
    expect(await used()).toMatchObject({ address: '127.0.0.1', userAgent: 'a test' })
    const events = () =>
      app.db
        .selectFrom('audit_event')
        .select(['type', 'subject_id', 'detail'])
        .where('type', 'in', ['client_certificate_created', 'credential_refused'])
        .execute()
    const refused = { kind: 'client-certificate', reason: expect.stringMatching(/^unknown: .*client/) }
    await until('the refusal is written down', async () =>
      (await events()).some(({ detail }) => String(detail.reason).includes('unknown: ')),
    )
    expect(await events()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: 'client_certificate_created',
          subject_id: made.id,
          detail: expect.objectContaining({ 'x5t#S256': holder.thumbprint }),
        }),
        expect.objectContaining({ type: 'credential_refused', detail: expect.objectContaining(refused) }),
      ]),
    )
  })
})

describe('forward-auth', () => {
  it('opens no socket, and changes nothing, for a page of another site', async () => {
    const ask = async (method: string, headers: Record<string, string>) => {
      const original = { method, url: ADDRESS, headers: { ...shown(pinned), ...headers } }
      return toldBy('caddy', await askForwardAuth(app, { dialect: 'caddy' }, original)).status
    }
    const evil = { origin: 'https://evil.example' }
    const own = { origin: ORDERS }
    // Proxies leave out `Upgrade`, and browsers leave out Sec-Fetch-Site for sockets.
    for (const socket of [{ 'sec-websocket-key': 'x' }, { upgrade: 'websocket' }]) {
      expect(await ask('GET', { ...evil, ...socket })).toBe(403)
      expect(await ask('GET', { ...evil, ...socket, 'sec-fetch-site': 'cross-site' })).toBe(403)
      expect(await ask('GET', { ...own, ...socket })).toBe(200)
      expect(await ask('GET', socket)).toBe(200)
    }
    expect(await ask('POST', evil)).toBe(403)
    expect(await ask('POST', own)).toBe(200)
    expect(await ask('GET', evil)).toBe(200)
  })

  it('lets a registered certificate through, and says who it is', async () => {
    for (const holder of [pinned, named]) {
      const answer = await askForwardAuth(app, { dialect: 'caddy' }, { url: ADDRESS, headers: shown(holder) })
      expect(answer.status).toBe(200)
      const [, payload = ''] = String(answer.headers['x-auth-identity']).split('.')
      expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
        sub: 'billing',
        credential_kind: 'client-certificate',
      })
    }
    const headers = shown(createSelfSigned())
    const refused = await askForwardAuth(app, { dialect: 'caddy' }, { url: ADDRESS, headers })
    expect(toldBy('caddy', refused)).toMatchObject({ status: 401, code: 'invalid_token' })
  })
})

describe('the verifier', () => {
  it('asks about the certificate that the API saw', async () => {
    const { client_id: clientId, client_secret: clientSecret = '' } = billing
    const verifier = createVerifier({
      issuer: app.issuer,
      resource: ORDERS,
      credentials: { clientId, clientSecret },
      report: () => undefined,
    })
    const outcome = (certificate?: string) =>
      verifier
        .verify(new Request(ADDRESS), { ...(certificate !== undefined && { certificate }) })
        .then(({ kind }) => kind)
        .catch((error: unknown) => (error instanceof Refusal ? error.status : error))
    expect(await outcome(pinned.cert)).toBe('client-certificate')
    expect(await outcome(named.chain)).toBe('client-certificate')
    expect(await outcome(createSelfSigned().cert)).toBe(401)
    expect(await outcome()).toBe(401)
  })
})

it('makes credentials within its own bounds', async () => {
  const holder = createSelfSigned()
  const ownApi = `${app.issuer}/v1`
  const client = {
    ...billing,
    resource_scopes: { [ORDERS]: ['read:orders', 'write:orders'], [ownApi]: ['keys:write'] },
  }
  await app.apply({ clients: [client] })
  const scopes = { [ORDERS]: ['read:orders'], [ownApi]: ['keys:write'] }
  await makeCertificate(app, { certificate: holder.cert }, { scopes })
  const make = (names: string[]) =>
    callerWith(app, shown(holder)).call('POST', '/v1/api-keys', {
      client_id: 'billing',
      name: 'made by a certificate',
      scopes: { [ORDERS]: names },
    })
  expect((await make(['read:orders'])).status).toBe(201)
  expect((await make(['write:orders'])).status).toBe(400)
  expect((await makeKey(app)).secret).toMatch(/^lk_/)
})
