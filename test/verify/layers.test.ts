// A resource that demands more than one credential, through every door that can ask about it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { basic } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { certificateHeader, makeCertificate } from '../support/client-certificates.ts'
import { exchange, gateway } from '../support/exchange.ts'
import { askForwardAuth, DIALECTS, toldBy } from '../support/forward-auth.ts'
import { bearer, makeKey, makePersonalToken, SYSTEM } from '../support/minted.ts'
import { billing, ORDERS, ordersFile, ordersWeb, reports } from '../support/orders.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'
import { clientCredentialsOf } from '../support/signing.ts'
import { askVerify, pairsOf, resultOf, verifierToken } from './doors.ts'

/** Of `billing`, as ORDERS is. */
const NEAR = 'https://near.example.com'
const VAULT = 'https://vault.example.com'

const file = {
  ...ordersFile,
  resources: [
    ...ordersFile.resources,
    {
      identifier: NEAR,
      name: 'Near API',
      organization: 'acme',
      allowed_addresses: ['192.0.2.0/24', '2001:db8::/32'],
      scopes: { 'read:near': { description: 'See what is near' } },
    },
    {
      identifier: VAULT,
      name: 'Vault',
      organization: 'acme',
      layers: ['client-certificate', 'access-token', 'api-key', 'personal-access-token', 'client-secret'],
      scopes: { 'read:vault': { description: 'See what is in it' } },
    },
  ],
  clients: ordersFile.clients.map(client => {
    if (client === billing)
      return { ...client, introspect: [ORDERS, NEAR, VAULT], resource_scopes: { [VAULT]: ['read:vault'] } }
    if (client === reports)
      return { ...client, resource_scopes: { [NEAR]: ['read:near'], [VAULT]: ['read:vault'] } }
    if (client === ordersWeb) return { ...client, resource_scopes: { [VAULT]: ['read:vault'] } }
    return client
  }),
}

let app: TestApp
beforeAll(async () => {
  app = await startApp({ TRUSTED_PROXIES: '127.0.0.1', CLIENT_CERTIFICATE_HEADER: 'rfc9440' }, file)
})
afterAll(() => app?.close())

const keyFor = async (clientId: string, resource: string, scope: string) =>
  (await makeKey(app, { owner: { type: 'client', id: clientId }, scopes: { [resource]: [scope] } })).secret

/** What POST /v1/verify says of a request: allowed, or status, code and the missing layer. */
async function verify(resource: string, headers: Record<string, string>, connection: object = {}) {
  const request = { method: 'GET', url: '/', headers: pairsOf(headers), ...connection }
  const answer = await askVerify(app, await verifierToken(app), { request, resource })
  return outcomeOf(resultOf(answer))
}

function outcomeOf({ allowed, response }: ReturnType<typeof resultOf>): string {
  const { status, code, missing_layer } = response?.body ?? {}
  return allowed ? 'allowed' : [status, code, missing_layer].filter(part => part !== undefined).join(' ')
}

describe('a resource that takes requests from some addresses', () => {
  it('asks for them first, of every kind of credential', async () => {
    const key = bearer(await keyFor('reports', NEAR, 'read:near'))
    const outside = '403 address_not_allowed address'
    for (const address of ['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.7'])
      expect(await verify(NEAR, key, { client_address: address })).toBe('allowed')
    expect(await verify(NEAR, key, { client_address: '198.51.100.7' })).toBe(outside)
    expect(await verify(NEAR, key)).toBe(outside)
    expect(await verify(NEAR, {}, { client_address: '198.51.100.7' })).toBe(outside)
    expect(await verify(NEAR, {}, { client_address: '192.0.2.7' })).toBe('401 unauthenticated')
  })

  it('a credential alone comes from nowhere', async () => {
    const credential = await keyFor('reports', NEAR, 'read:near')
    const answer = await askVerify(app, await verifierToken(app), { credential, resource: NEAR })
    expect(outcomeOf(resultOf(answer))).toBe('403 address_not_allowed address')
  })

  it('tokens of it are opaque, and active to nobody but their own client', async () => {
    const token = await protocolPost(app.issuer, '/token', reports, {
      grant_type: 'client_credentials',
      resource: NEAR,
    })
    const { access_token = '' } = token.body
    expect(access_token).not.toContain('.')
    const key = await keyFor('reports', NEAR, 'read:near')
    for (const shown of [access_token, key]) {
      const seenBy = async (client: typeof billing) =>
        (await protocolPost(app.issuer, '/introspect', client, { token: shown })).body
      expect(await seenBy(billing)).toEqual({ active: false })
      expect(await seenBy(reports)).toMatchObject({ active: true })
    }
  })

  it.each(DIALECTS)('asked by %s: the client must come from there, not its proxy', async dialect => {
    const ask = async (from: string) => {
      const headers = bearer(await keyFor('reports', NEAR, 'read:near'))
      const proxy = { 'X-Forwarded-For': from }
      const answer = await askForwardAuth(app, { dialect, proxy }, { url: `${NEAR}/1`, headers })
      return answer.status === 200 ? 'allowed' : toldBy(dialect, answer)
    }
    expect(await ask('192.0.2.7')).toBe('allowed')
    expect(await ask('198.51.100.7')).toMatchObject({ status: 403, code: 'address_not_allowed' })
  })
})

describe('a resource that takes a certificate and a credential together', () => {
  const MISSING = '403 missing_layer client-certificate'
  const scopes = { [VAULT]: ['read:vault'] }
  const ownedBy = (id: string) => ({ owner: { type: 'client', id } as const, scopes })

  const register = (certificate: Holder, clientId = 'reports', wishes: object = {}) =>
    makeCertificate(app, { certificate: certificate.cert }, { ...ownedBy(clientId), ...wishes })
  const key = async (clientId = 'reports') => bearer(await keyFor(clientId, VAULT, 'read:vault'))
  const beside = async (certificate: Holder | undefined, headers?: Record<string, string>) =>
    verify(VAULT, headers ?? (await key()), certificate && { client_certificate: certificate.chain })

  let good: Holder
  beforeAll(async () => {
    good = createSelfSigned()
    await register(good)
  })

  it('every kind that is listed, of the same client, or of a person', async () => {
    const params = { grant_type: 'client_credentials', resource: VAULT }
    const { body } = await protocolPost(app.issuer, '/token', reports, params)
    const { secret } = await makePersonalToken(app, { scopes })
    for (const headers of [
      await key(),
      bearer(body.access_token ?? ''),
      { authorization: basic(reports.client_id, reports.client_secret ?? '') },
      bearer(secret),
      { authorization: basic('ada', secret) },
    ]) {
      expect(await beside(good, headers)).toBe('allowed')
      expect(await beside(undefined, headers)).toBe(MISSING)
    }
  })

  it('is not for what another client exchanges: its certificate says nothing of theirs', async () => {
    const resource_scopes = { [VAULT]: ['read:vault'] }
    await app.apply({ clients: [{ ...gateway, resource_scopes }] })
    const own = createSelfSigned()
    await register(own, gateway.client_id)
    const secret = await keyFor('reports', VAULT, 'read:vault')
    expect(await beside(own, bearer(secret))).toBe(MISSING)
    const { body } = await exchange(app.issuer, secret, { resource: VAULT })
    expect(body).toMatchObject({ error: 'invalid_target' })
    expect(body.access_token).toBeUndefined()
  })

  it("an application's token for a person needs the application's certificate", async () => {
    const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, {
      params: { scope: 'openid read:vault', resource: VAULT },
    })
    const headers = bearer(token.body.access_token ?? '')
    expect(await beside(good, headers)).toBe(MISSING)
    const own = createSelfSigned()
    await register(own, 'orders-web')
    expect(await beside(own, headers)).toBe('allowed')
    expect(await beside(own)).toBe(MISSING)
  })

  it.each<[string, () => Promise<Holder>]>([
    ['nobody has registered', async () => createSelfSigned()],
    [
      'is registered for another resource',
      async () => {
        const certificate = createSelfSigned()
        await register(certificate, 'reports', { scopes: { [NEAR]: ['read:near'] } })
        return certificate
      },
    ],
    [
      'has ended',
      async () => {
        const certificate = createSelfSigned()
        const { id } = await register(certificate)
        await clientCredentialsOf(app).clientCredentials.revoke(SYSTEM, id)
        return certificate
      },
    ],
    [
      'is not valid yet',
      async () => {
        const certificate = createSelfSigned({ notBefore: new Date(Date.now() + 3_600_000) })
        await register(certificate)
        return certificate
      },
    ],
    [
      'another authority has issued',
      async () => {
        const names = [{ dns: 'reports.example.com' }]
        const san = { dns: 'reports.example.com' }
        await makeCertificate(app, { ca: createAuthority().cert, san }, ownedBy('reports'))
        return createAuthority().issue({ names })
      },
    ],
  ])('a certificate that %s: missing', async (_name, make) => {
    expect(await beside(await make())).toBe(MISSING)
  })

  it('a certificate by its authority and name', async () => {
    const authority = createAuthority()
    const san = { dns: 'machine.example.com' }
    await makeCertificate(app, { ca: authority.cert, san }, ownedBy('reports'))
    expect(await beside(authority.issue({ names: [san] }))).toBe('allowed')
    expect(await beside(authority.issue({ names: [{ dns: 'other.example.com' }] }))).toBe(MISSING)
  })

  it('whoever else has registered the same certificate, and however early, is not in the way', async () => {
    const root = createAuthority()
    // Whoever registers the certificate alone does not show what is between, so that nobody sees that it fits.
    const authority = root.intermediate()
    const byName = async (dns: string) =>
      makeCertificate(app, { ca: root.cert, san: { dns } }, ownedBy('reports'))
    const shared = authority.issue({ names: [{ dns: 'shared.example.com' }] })
    await register(shared, 'billing')
    await byName('shared.example.com')
    expect(await beside(shared)).toBe('allowed')
    expect(await beside(shared, await key('billing'))).toBe('allowed')
    const elsewhere = authority.issue({ names: [{ dns: 'near.example.com' }] })
    await register(elsewhere, 'reports', { scopes: { [NEAR]: ['read:near'] } })
    await byName('near.example.com')
    expect(await beside(elsewhere)).toBe('allowed')
  })

  it('one that may not be used from there says so', async () => {
    const certificate = createSelfSigned()
    await register(certificate, 'reports', { allowedAddresses: ['192.0.2.0/24'] })
    expect(await beside(certificate)).toBe('403 address_not_allowed')
  })

  it('the certificate alone, a session beside it, two credentials: as everywhere', async () => {
    const agent = await signedInAgent(app, 'ada')
    const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    expect(await beside(good, {})).toBe('401 unauthenticated credential')
    expect(await beside(good, { cookie })).toBe('401 unauthenticated credential')
    expect(await beside(good, { ...(await key()), 'x-api-key': 'another' })).toBe('400 ambiguous_credentials')
  })

  it('explained: each layer by its name, and nothing is used', async () => {
    const headers = pairsOf(await key('billing'))
    const request = { method: 'GET', url: '/', headers, client_certificate: good.cert }
    const body = { request, resource: VAULT, scopes: ['read:vault'], explain: true }
    const { checks = [], response } = resultOf(await askVerify(app, await verifierToken(app), body))
    expect(response?.body).toMatchObject({ code: 'missing_layer', missing_layer: 'client-certificate' })
    expect(checks.slice(0, 3)).toEqual([
      { name: 'presented', passed: true, detail: 'api-key' },
      { name: 'layer_credential', passed: true, detail: 'it is of the kind api-key' },
      { name: 'layer_certificate', passed: false, detail: 'known: it belongs to another client' },
    ])
    expect(checks.slice(3).every(({ passed }) => passed)).toBe(true)
  })

  it.each(DIALECTS)('asked by %s', async dialect => {
    const ask = async (certificate: Holder | undefined, headers: Record<string, string>) => {
      const proxy = certificate && certificateHeader(certificate.cert)
      const answer = await askForwardAuth(
        app,
        { dialect, ...(proxy && { proxy }) },
        { url: `${VAULT}/1`, headers },
      )
      return answer.status === 200 ? 'allowed' : toldBy(dialect, answer)
    }
    expect(await ask(good, await key())).toBe('allowed')
    expect(await ask(undefined, await key())).toMatchObject({ status: 403, code: 'missing_layer' })
    expect(await ask(good, {})).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  it.each(DIALECTS)(
    'asked by %s at the own address: nobody is sent to sign in, which would not help',
    async dialect => {
      const headers = { 'sec-fetch-mode': 'navigate', accept: 'text/html' }
      const asked = { dialect, setup: { resource: VAULT }, proxy: { 'X-Forwarded-Proto': undefined } }
      const answer = await askForwardAuth(app, asked, { url: `${app.issuer}/vault`, headers })
      expect(toldBy(dialect, answer)).toMatchObject({ status: 401, location: undefined })
    },
  )
})
