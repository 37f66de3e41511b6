// Clients that sign their authentication instead of sending a secret (RFC 7523, OpenID Connect Core, section 9).
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { countRows } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'

interface SigningClient {
  readonly alg: string
  readonly clientId: string
  readonly publicJwk: JWK
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey']
}

async function signingClient(alg: string, clientId = `service-${alg.toLowerCase()}`): Promise<SigningClient> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, clientId, privateKey, publicJwk: { ...(await exportJWK(publicKey)), alg, use: 'sig' } }
}

const registration = ({ clientId, publicJwk }: SigningClient) => ({
  client_id: clientId,
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [publicJwk] },
  resource_scopes: { [ORDERS]: ['read:orders'] },
  introspect: [ORDERS],
})

const ALGS = ['ES256', 'EdDSA', 'Ed25519', 'RS256', 'PS256']

let app: TestApp
let clients: SigningClient[]
let service: SigningClient
let remote: SigningClient
let choosy: SigningClient
let unreachable: SigningClient
let keys: Server
let asked = 0

beforeAll(async () => {
  clients = await Promise.all(ALGS.map(alg => signingClient(alg)))
  service = clients[0] as SigningClient
  remote = await signingClient('ES256', 'remote')
  unreachable = await signingClient('ES256', 'unreachable')
  choosy = { ...(await signingClient('PS256', 'choosy')) }
  keys = createServer((request, response) => {
    if (request.url === '/page') {
      asked += 1
      response.end('<p>a page of somebody who has nothing to do with it</p>')
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [remote.publicJwk] }))
  })
  await new Promise<void>(resolve => keys.listen(0, '127.0.0.1', resolve))
  const { port } = keys.address() as AddressInfo
  const { jwks: _jwks, ...byAddress } = registration(remote)
  const { alg: _alg, ...anyRsa } = choosy.publicJwk
  app = await startApp(
    { OUTBOUND_ALLOW: '127.0.0.1/32' },
    {
      ...ordersFile,
      clients: [
        ...ordersFile.clients,
        ...clients.map(registration),
        { ...byAddress, jwks_uri: `http://127.0.0.1:${port}/jwks` },
        { ...byAddress, client_id: 'keyless', jwks_uri: `http://127.0.0.1:${port}/page` },
        { ...byAddress, client_id: 'unreachable', jwks_uri: 'https://10.0.0.1/jwks' },
        { ...registration(choosy), jwks: { keys: [anyRsa] }, token_endpoint_auth_signing_alg: 'PS256' },
      ],
    },
  )
})
afterAll(async () => {
  await new Promise(resolve => keys?.close(resolve))
  await app?.close()
})

type Wrong = Partial<{
  claims: Record<string, unknown>
  header: Record<string, unknown>
  key: SigningClient['privateKey'] | Uint8Array
}>

const seconds = () => Math.floor(Date.now() / 1000)

function assertion({ alg, clientId, privateKey }: SigningClient, { claims, header, key }: Wrong = {}) {
  return new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: app.issuer,
    jti: randomUUID(),
    iat: seconds(),
    exp: seconds() + 60,
    ...claims,
  })
    .setProtectedHeader({ alg, ...header })
    .sign(key ?? privateKey)
}

function post(path: string, jwt: string, params: Record<string, string>) {
  return protocolPost(app.issuer, path, undefined, {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jwt,
    ...params,
  })
}

const token = (jwt: string, params: Record<string, string> = {}) =>
  post('/token', jwt, { grant_type: 'client_credentials', ...params })

test.each(ALGS)('a client signs with %s', async alg => {
  const client = clients.find(one => one.alg === alg) as SigningClient
  expect((await token(await assertion(client))).body).toMatchObject({ scope: 'read:orders' })
})

test('its keys may be at an address', async () => {
  expect((await token(await assertion(remote))).status).toBe(200)
})

test('it authenticates the same way at every endpoint', async () => {
  const { body } = await token(await assertion(service))
  const about = { token: body.access_token ?? '' }
  expect((await post('/introspect', await assertion(service), about)).body.active).toBe(true)
  expect((await post('/revoke', await assertion(service), about)).status).toBe(200)
  expect((await post('/introspect', await assertion(service), about)).body).toEqual({ active: false })
})

test('the audience may be the issuer, the token endpoint or the endpoint itself', async () => {
  for (const aud of [`${app.issuer}/token`, [app.issuer, 'https://other.example']])
    expect((await token(await assertion(service, { claims: { aud } }))).status).toBe(200)
})

test('an assertion is used once, whatever it was used for', async () => {
  const jwt = await assertion(service)
  expect((await token(jwt)).status).toBe(200)
  for (const again of [await token(jwt), await post('/introspect', jwt, { token: 'x' })])
    expect([again.status, again.body.error]).toEqual([401, 'invalid_client'])
})

describe('refused, and nothing is kept', () => {
  const hour = 3600
  test.each<[string, () => Wrong | Promise<Wrong>]>([
    ['a key of somebody else', async () => ({ key: (await signingClient('ES256')).privateKey })],
    ['another audience', () => ({ claims: { aud: 'https://other.example' } })],
    ['no audience', () => ({ claims: { aud: undefined } })],
    ['another issuer', () => ({ claims: { iss: 'service-rs256' } })],
    ['no jti', () => ({ claims: { jti: undefined } })],
    ['a jti that is no text', () => ({ claims: { jti: 7 } })],
    ['no exp', () => ({ claims: { exp: undefined } })],
    ['an exp that has passed', () => ({ claims: { exp: seconds() - 60 } })],
    ['an exp two hours ahead', () => ({ claims: { exp: seconds() + 2 * hour } })],
    ['an exp that is no number', () => ({ claims: { exp: 'tomorrow' } })],
    ['a start an hour ahead', () => ({ claims: { nbf: seconds() + hour } })],
    [
      'its public key as a shared secret',
      () => ({ header: { alg: 'HS256' }, key: Buffer.from(JSON.stringify(service.publicJwk)) }),
    ],
  ])('%s', async (_what, wrong) => {
    const jwt = await assertion(service, await wrong())
    const before = await countRows(app)
    const refused = await token(jwt)
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
    expect(await countRows(app)).toEqual(before)
  })

  test('no signature at all', async () => {
    const [, claims] = (await assertion(service)).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    expect((await token(`${header}.${claims}.`)).status).toBe(401)
  })

  test('another algorithm than the one it registered', async () => {
    expect((await token(await assertion(choosy))).status).toBe(200)
    const rsa = await token(await assertion({ ...choosy, alg: 'ES256' }, { key: service.privateKey }))
    expect([rsa.status, rsa.body.error]).toEqual([401, 'invalid_client'])
  })

  test('an address without keys, which is not asked again and again', async () => {
    const keyless = await signingClient('ES256', 'keyless')
    for (let tries = 0; tries < 5; tries++) {
      const refused = await token(await assertion(keyless))
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
    }
    expect(asked).toBe(1)
  })

  test('keys that cannot be fetched', async () => {
    const refused = await token(await assertion(unreachable))
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
    expect(JSON.stringify(refused.body)).not.toContain('10.0.0.1')
  })

  test.each([
    ['no JWT', { client_assertion: 'nonsense' }],
    ['another type', { client_assertion_type: 'urn:other' }],
    ['another client_id', { client_id: 'billing' }],
  ])('%s', async (_what, params) => {
    const refused = await token(await assertion(service), params)
    expect([400, 401]).toContain(refused.status)
    expect(['invalid_request', 'invalid_client']).toContain(refused.body.error)
  })

  test('a secret from a client that has none, and nothing from one that must sign', async () => {
    const guess = {
      client_id: service.clientId,
      client_secret: 'kept as a hash elsewhere, compared elsewhere',
    }
    for (const client of [guess, { client_id: service.clientId }]) {
      const refused = await protocolPost(app.issuer, '/token', client, { grant_type: 'client_credentials' })
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
    }
  })
})
