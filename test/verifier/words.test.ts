// The verifier beside the real Latchkey: who it says is calling, that it refuses in the same words, how it proves who it is
// itself, and that what is revoked is refused.
import { createPrivateKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals'
import { exportPKCS8 } from 'jose'
import {
  createVerifier,
  type Identity,
  nodeRequest,
  type PresentedRequest,
  Refusal,
  type VerifierOptions,
} from '../../src/verifier/verifier.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { boundTokenPost, showBound } from '../support/bound-tokens.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { exchange, exchangeFile } from '../support/exchange.ts'
import { type ClientKey, clientKey } from '../support/keyholders.ts'
import { allKnow, makeKey, makePersonalToken } from '../support/minted.ts'
import { billing, ORDERS, ordersSpa, ordersWeb, PASSWORD, reports, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'

let app: TestApp
let key: ProofKey
let serverKey: ClientKey
beforeAll(async () => {
  serverKey = await clientKey('ES256')
  const server = {
    client_id: 'orders-server',
    organization: 'acme',
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [serverKey.publicJwk] },
    introspect: [ORDERS, STOCK],
    resource_scopes: {},
  }
  app = await startApp({}, { ...exchangeFile, clients: [...exchangeFile.clients, server] })
  key = await proofKey()
})
afterAll(() => app?.close())

const verifierOf = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({ issuer: app.issuer, resource: ORDERS, report: () => undefined, ...options })

const withSecret = () => ({ clientId: billing.client_id, clientSecret: billing.client_secret ?? '' })

async function token(client: typeof billing, resource: string): Promise<string> {
  const { body } = await protocolPost(app.issuer, '/token', client, {
    grant_type: 'client_credentials',
    resource,
  })
  return body.access_token ?? ''
}

const shown = (headers: Record<string, string>, url = '/orders'): PresentedRequest =>
  nodeRequest({ method: 'GET', url, rawHeaders: Object.entries(headers).flat() })

const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` })

async function refusalOf(verifying: Promise<Identity>): Promise<Refusal> {
  const error = await verifying.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!(error instanceof Refusal)) throw new Error(`no refusal but ${error}`)
  return error
}

describe('who it is', () => {
  test('a service with a JWT, judged here', async () => {
    const identity = await verifierOf().verify(shown(bearer(await token(billing, ORDERS))))
    expect(identity).toMatchObject({
      kind: 'access-token',
      subject: { type: 'client', id: 'billing' },
      clientId: 'billing',
      scopes: ['read:orders', 'write:orders'],
    })
  })

  test('a person with a JWT: the same as Latchkey says', async () => {
    const agent = app.agent()
    const person = { username: 'ada', password: PASSWORD }
    const params = { resource: ORDERS, scope: 'openid read:orders' }
    const { token: given } = await codeFlow(app.issuer, agent, ordersWeb, { params, person })
    const headers = bearer(given.body.access_token ?? '')
    const here = await verifierOf().verify(shown(headers), { scopes: ['read:orders'] })
    if (here.kind !== 'access-token') throw new Error(`it is a ${here.kind}`)
    expect(here.subject.type).toBe('account')
    const { allowed, identity } = await latchkeySays({ url: '/orders', headers })
    expect(allowed).toBe(true)
    expect({
      kind: here.kind,
      credential_id: here.credentialId,
      subject: here.subject,
      client_id: here.clientId,
      acr: here.acr,
      resource: here.resource,
      scopes: here.scopes,
      issued_at: here.issuedAt?.toISOString(),
      expires_at: here.expiresAt?.toISOString(),
    }).toEqual(identity)
  })

  test('tokens that were exchanged: the same as Latchkey says, offline', async () => {
    const { secret: key } = await makeKey(app, { env: 'test' })
    const { secret: personal } = await makePersonalToken(app)
    await allKnow(app)
    for (const [credential, type, env] of [
      [key, 'client', 'test'],
      [personal, 'account', 'live'],
      [await token(billing, ORDERS), 'client', undefined],
    ] as const) {
      const { body } = await exchange(app.issuer, credential)
      const headers = bearer(body.access_token ?? '')
      const here = await verifierOf().verify(shown(headers), { scopes: ['read:orders'] })
      const { identity } = await latchkeySays({ url: '/orders', headers })
      expect(here).toMatchObject({ subject: identity.subject, act: { sub: 'gateway' } })
      expect(identity).toMatchObject({ subject: { type }, act: { sub: 'gateway' } })
      expect([Reflect.get(here, 'env'), identity.env]).toEqual([env, env])
      if (env === undefined) continue
      const refusal = await refusalOf(verifierOf().verify(shown(headers), { env: 'another' }))
      expect(refusal.code).toBe('wrong_environment')
    }
  })

  test('a key and a personal token, of whom Latchkey is asked', async () => {
    const verifier = verifierOf({ credentials: withSecret() })
    const made = await makeKey(app)
    const personal = await makePersonalToken(app)
    await allKnow(app)
    expect(await verifier.verify(shown({ 'x-api-key': made.secret }), { env: 'live' })).toMatchObject({
      kind: 'api-key',
      credentialId: made.token.id,
      subject: { type: 'client', id: 'billing' },
      env: 'live',
    })
    expect(await verifier.verify(shown(bearer(personal.secret)))).toMatchObject({
      kind: 'personal-access-token',
      credentialId: personal.token.id,
      subject: { type: 'account' },
    })
    const refusal = await refusalOf(verifier.verify(shown(bearer(made.secret)), { env: 'test' }))
    expect([refusal.status, refusal.code]).toEqual([403, 'wrong_environment'])
  })
})

describe('the API proves who it is', () => {
  test('with a key of its own (private_key_jwt)', async () => {
    const pem = await exportPKCS8(serverKey.privateKey)
    for (const privateKey of [pem, createPrivateKey(pem)]) {
      const verifier = verifierOf({
        resource: STOCK,
        credentials: { clientId: 'orders-server', privateKey, kid: serverKey.publicJwk.kid ?? '' },
      })
      const identity = await verifier.verify(shown(bearer(await token(reports as typeof billing, STOCK))))
      expect(identity).toMatchObject({ kind: 'access-token', resource: STOCK, clientId: 'reports' })
    }
  })

  test('with an API key that has the scope verify', async () => {
    const { secret: apiKey } = await makeKey(app, { scopes: { [`${app.issuer}/v1`]: ['verify'] } })
    const made = await makeKey(app)
    await allKnow(app)
    const verifier = verifierOf({ credentials: { apiKey } })
    expect(await verifier.verify(shown(bearer(made.secret)))).toMatchObject({ credentialId: made.token.id })
  })

  test('in vain when it is not the server of that resource: 503, and somebody is told', async () => {
    const reported: unknown[] = []
    const verifier = verifierOf({
      resource: STOCK,
      credentials: withSecret(),
      report: error => void reported.push(error),
    })
    const refusal = await refusalOf(verifier.verify(shown({ 'x-api-key': 'some-key-0123456789' })))
    expect(refusal.status).toBe(503)
    expect(String((reported[0] as Error).cause)).toContain('answers 403')
  })
})

async function latchkeySays(
  { url, headers }: { url: string; headers: Record<string, string> },
  scopes: string[] = [],
) {
  const own = await protocolPost(app.issuer, '/token', billing, {
    grant_type: 'client_credentials',
    resource: `${app.issuer}/v1`,
    scope: 'verify',
  })
  const request = { method: 'GET', url: `${ORDERS}${url}`, headers: Object.entries(headers) }
  const response = await fetch(`${app.issuer}/v1/verify`, {
    method: 'POST',
    headers: { ...bearer(own.body.access_token ?? ''), 'content-type': 'application/json' },
    body: JSON.stringify({ request, resource: ORDERS, scopes }),
  })
  return response.json()
}

describe('a refusal that is made here is the one that Latchkey makes', () => {
  const url = `${ORDERS}/orders`
  const boundToken = async () => {
    const params = { grant_type: 'client_credentials', resource: ORDERS }
    return (await boundTokenPost(app, billing, key, params)).body.access_token ?? ''
  }
  const altered = (jwt: string) => jwt.replace(/.(?=[^.]*$)/, found => (found === 'A' ? 'B' : 'A'))

  it.each<[string, string, () => Promise<Record<string, string>>, string?]>([
    [
      'a scope that is missing',
      'insufficient_scope',
      async () => bearer(await token(reports as typeof billing, ORDERS)),
    ],
    ['another signature', 'invalid_token', async () => bearer(altered(await token(billing, ORDERS)))],
    ['a JWT of nobody', 'invalid_token', async () => bearer('eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl')],
    ['an opaque text', 'invalid_token', async () => bearer('nobody-knows-this-one')],
    ['a mistyped key', 'invalid_token', async () => ({ 'x-api-key': 'lk_live_key_0' })],
    ['bound, as a bearer token', 'invalid_token', async () => bearer(await boundToken())],
    [
      'not bound, as a DPoP token',
      'invalid_token',
      async () => showBound(app, key, await token(billing, ORDERS), { url }),
    ],
    ['no proof', 'invalid_dpop_proof', async () => ({ authorization: `DPoP ${await boundToken()}` })],
    [
      'a proof for another method',
      'invalid_dpop_proof',
      async () => showBound(app, key, await boundToken(), { url, method: 'PUT' }),
    ],
    [
      'a proof for another address',
      'invalid_dpop_proof',
      async () => showBound(app, key, await boundToken()),
    ],
    [
      'a proof that is none',
      'invalid_dpop_proof',
      async () => ({ authorization: `DPoP ${await boundToken()}`, dpop: 'a.b.c' }),
    ],
    [
      'a proof without jti',
      'invalid_dpop_proof',
      async () => showBound(app, key, await boundToken(), { url, claims: { jti: '' } }),
    ],
    [
      "another key's proof",
      'invalid_token',
      async () => showBound(app, await proofKey(), await boundToken(), { url }),
    ],
    [
      'bound, and without the scope',
      'insufficient_scope',
      async () => showBound(app, key, await boundToken(), { url }),
    ],
    ['two credentials', 'ambiguous_credentials', async () => ({ ...bearer('a'), 'x-api-key': 'b' })],
    ['a token in the address', 'invalid_request', async () => ({}), '/orders?access_token=a'],
    ['a key in the address', 'invalid_request', async () => ({}), '/orders?q=lk_live_key_0'],
  ])('%s', async (name, code, make, path = '/orders') => {
    const scopes = ['read:orders', name.includes('scope') ? 'admin:orders' : 'read:orders']
    const headers = await make()
    const here = await refusalOf(verifierOf().verify(shown(headers, path), { scopes }))
    const { response } = await latchkeySays({ url: path, headers }, scopes)
    expect(here.code).toBe(code)
    const { request_id: one, ...body } = here.body
    const { request_id: other, ...expected } = response.body
    expect({ status: here.status, headers: here.headers, body }).toEqual({
      status: response.status,
      headers: response.headers,
      body: expected,
    })
    expect([typeof one, typeof other]).toEqual(['string', 'string'])
  })

  test('about a request that nobody can be asked about', async () => {
    const verifier = verifierOf({ credentials: withSecret() })
    const refusal = await refusalOf(
      verifier.verify(shown({ 'x-api-key': 'some-key-0123456789' }, '/orders#x')),
    )
    expect([refusal.status, refusal.code]).toEqual([400, 'invalid_request'])
  })

  test('for another resource', async () => {
    const verifier = verifierOf({ resource: STOCK })
    const here = await refusalOf(verifier.verify(shown(bearer(await token(billing, ORDERS)))))
    const asking = { clientId: 'orders-server', privateKey: await exportPKCS8(serverKey.privateKey) }
    expect([here.status, here.code, here.message]).toEqual([
      403,
      'wrong_audience',
      'The credential is for another resource.',
    ])
    // A token that no verifier can read: Latchkey's own words.
    const opaque = await token(reports as typeof billing, STOCK)
    const there = await refusalOf(verifierOf({ credentials: asking }).verify(shown(bearer(opaque))))
    expect([there.headers, there.body.code, there.message]).toEqual([here.headers, here.code, here.message])
  })
})

describe('what is revoked', () => {
  test('a JWT, by its bit in the status list', async () => {
    const verifier = verifierOf({ requireStatus: true })
    const [jwt, other] = [await token(billing, ORDERS), await token(billing, ORDERS)]
    await verifier.verify(shown(bearer(jwt)))
    const { status } = await protocolPost(app.issuer, '/revoke', billing, { token: jwt })
    expect(status).toBe(200)
    await until('the verifier has the new list', async () => {
      verifier.forget()
      return verifier.verify(shown(bearer(jwt))).then(
        () => false,
        (error: Refusal) => error.code === 'invalid_token',
      )
    })
    expect(await verifier.verify(shown(bearer(other)))).toMatchObject({ kind: 'access-token' })
  })

  test('a key, when its answer is over or the verifier is told', async () => {
    const verifier = verifierOf({ credentials: withSecret(), cacheSeconds: 60 })
    const { token: made, secret } = await makeKey(app)
    await allKnow(app)
    await verifier.verify(shown(bearer(secret)))
    const gone = await fetch(`${app.issuer}/v1/credentials/self`, {
      method: 'DELETE',
      headers: bearer(secret),
    })
    expect(gone.status).toBe(204)
    expect(await verifier.verify(shown(bearer(secret)))).toMatchObject({ kind: 'api-key' })
    verifier.forget(made.id)
    expect((await refusalOf(verifier.verify(shown(bearer(secret))))).code).toBe('invalid_token')
  })
})

test('people of an application without a secret are let in like others', async () => {
  const params = { resource: ORDERS, scope: 'openid read:orders' }
  const person = { username: 'bob', password: PASSWORD }
  const { token: given } = await codeFlow(app.issuer, app.agent(), ordersSpa, { params, person })
  const identity = await verifierOf().verify(shown(bearer(given.body.access_token ?? '')))
  expect(identity).toMatchObject({ clientId: 'orders-spa', scopes: ['read:orders'] })
})
