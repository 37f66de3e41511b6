// /v1/clients: private_key_jwt, PAR, DPoP, back-channel logout and devices, as settings of a client.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { importJWK, SignJWT } from 'jose'
import { made } from '../support/api-callers.ts'
import { protocolPost } from '../support/authorization.ts'
import {
  EC,
  ED,
  FINE,
  KEY_MISTAKES,
  keySet,
  P384,
  PRIVATE_EC,
  RSA,
  SECRET_MISTAKES,
  SETTING_MISTAKES,
  service,
} from '../support/client-settings.ts'
import { DEVICE_GRANT } from '../support/devices.ts'
import { TOKEN_EXCHANGE } from '../support/exchange.ts'
import { ORDERS } from '../support/orders.ts'
import { refusal, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.app.close())

const keyed = (more: object = {}) => service({ token_endpoint_auth_method: 'private_key_jwt', ...more })

const errorsIn = (answer: { json(): Record<string, unknown> }) => answer.json().errors

const livingSecrets = async (clientId: unknown) =>
  (await world.ada.call('GET', `/v1/clients/${clientId}`)).json().secrets as unknown[]

const tokenWith = (clientId: unknown, secret: unknown) =>
  protocolPost(
    world.app.issuer,
    '/token',
    { client_id: String(clientId), client_secret: String(secret) },
    { grant_type: 'client_credentials', resource: ORDERS },
  )

describe('settings of a client', () => {
  it('are off unless they are sent', async () => {
    expect(await made(world.ada, '/v1/clients', service())).toMatchObject({
      token_endpoint_auth_signing_alg: null,
      jwks: null,
      jwks_uri: null,
      require_pushed_authorization_requests: false,
      dpop_bound_access_tokens: false,
      backchannel_logout_uri: null,
      backchannel_logout_session_required: false,
      registration: 'operator',
    })
  })

  it.each(FINE)('are kept as they were sent: %s', async (_what, settings) => {
    const client = await made(world.dev, '/v1/clients', keyed(settings))
    expect(client).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', secrets: [], ...settings })
    expect(client).not.toHaveProperty('secret')
    const shown = (await world.dev.call('GET', `/v1/clients/${client.client_id}`)).json()
    expect(shown).toEqual(client)
  })

  it.each([
    ...KEY_MISTAKES.map(([what, settings, path, message]) => [what, keyed(settings), path, message] as const),
    ...[...SECRET_MISTAKES, ...SETTING_MISTAKES].map(
      ([what, settings, path, message]) => [what, service(settings), path, message] as const,
    ),
  ])('are refused with %s, at registration and as a change', async (_what, body, path, message) => {
    const expected = [{ path, message: expect.stringMatching(message) }]
    const refused = await world.dev.call('POST', '/v1/clients', body)
    expect([refused.status, errorsIn(refused)]).toEqual([400, expected])
    const { client_id: id } = await made(world.dev, '/v1/clients', service())
    const { application_kind: _kind, ...changes } = body as ReturnType<typeof service>
    const unchanged = await world.dev.call('PATCH', `/v1/clients/${id}`, changes)
    expect([unchanged.status, errorsIn(unchanged)]).toEqual([400, expected])
    expect(await livingSecrets(id)).toHaveLength(1)
  })

  it('change one by one, and null takes one away', async () => {
    const { client_id: id } = await made(
      world.ada,
      '/v1/clients',
      keyed({ jwks: keySet(EC), backchannel_logout_uri: 'https://app.example.com/out' }),
    )
    const change = async (body: object) => (await world.dev.call('PATCH', `/v1/clients/${id}`, body)).json()
    expect(await change({ dpop_bound_access_tokens: true })).toMatchObject({
      dpop_bound_access_tokens: true,
      jwks: keySet(EC),
    })
    expect(await change({ jwks: null, jwks_uri: 'https://app.example.com/jwks' })).toMatchObject({
      jwks: null,
      jwks_uri: 'https://app.example.com/jwks',
    })
    expect(await change({ backchannel_logout_uri: null })).toMatchObject({ backchannel_logout_uri: null })
    expect(await change({ jwks_uri: null })).toMatchObject({ code: 'validation_failed' })
  })

  it('devices: a kind of its own', async () => {
    const device = { client_name: 'TV', application_kind: 'device', dpop_bound_access_tokens: true }
    const client = await made(world.ada, '/v1/clients', device)
    expect(client).toMatchObject({
      application_kind: 'device',
      application_type: 'native',
      grant_types: [DEVICE_GRANT, 'refresh_token'],
      token_endpoint_auth_method: 'none',
      redirect_uris: [],
      secrets: [],
    })
    expect(client).not.toHaveProperty('secret')
  })
})

describe('a client that signs with a key of its own', () => {
  it('has no secret, and is given none', async () => {
    const { client_id: id } = await made(world.ada, '/v1/clients', keyed({ jwks: keySet(EC) }))
    const answer = await world.ada.call('POST', `/v1/clients/${id}/secrets`, {})
    expect(answer.status).toBe(409)
    expect(answer.json()).toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('private_key_jwt'),
    })
    expect(await livingSecrets(id)).toEqual([])
  })

  it.each([
    ['alone', keySet(EC)],
    [
      'among keys for other uses and of other kinds',
      keySet(P384, { kty: 'XYZ' }, { ...RSA, use: 'enc' }, EC),
    ],
  ])('gets a token by its signature, its key %s', async (_what, jwks) => {
    const { client_id: id } = await made(world.ada, '/v1/clients', keyed({ jwks }))
    const assertion = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'ec-1' })
      .setIssuer(String(id))
      .setSubject(String(id))
      .setAudience(world.app.issuer)
      .setIssuedAt()
      .setExpirationTime('1 minute')
      .sign(await importJWK(PRIVATE_EC, 'ES256'))
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      resource: ORDERS,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    })
    const answer = await fetch(`${world.app.issuer}/token`, { method: 'POST', body })
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ scope: 'read:orders' }),
    ])
  })

  it('loses the secrets it had: they do not come back when it sends secrets again', async () => {
    const { client_id: id, secret } = await made(world.ada, '/v1/clients', service())
    const change = (body: object) => world.dev.call('PATCH', `/v1/clients/${id}`, body)
    expect((await tokenWith(id, secret)).status).toBe(200)
    const keys = await change({ token_endpoint_auth_method: 'private_key_jwt', jwks: keySet(ED) })
    expect(keys.json()).toMatchObject({ token_endpoint_auth_method: 'private_key_jwt', secrets: [] })
    expect((await tokenWith(id, secret)).status).toBe(401)
    const back = await change({ token_endpoint_auth_method: 'client_secret_basic', jwks: null })
    expect(back.json()).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic', secrets: [] })
    expect((await tokenWith(id, secret)).status).toBe(401)
    const { secret: next } = await made(world.dev, `/v1/clients/${id}/secrets`, {})
    expect((await tokenWith(id, next)).status).toBe(200)
  })

  it('loses the secret of the file in the same way', async () => {
    const described = {
      client_id: 'from-file',
      organization: 'acme',
      client_secret: 'from-file-secret-for-tests-only-0123456789',
      grant_types: ['client_credentials'],
      resource_scopes: { [ORDERS]: ['read:orders'] },
    }
    const { client_secret: secret, ...bare } = described
    const apply = async (client: object) => {
      await world.app.apply({ clients: [client] })
      // Afterwards this process knows.
      await world.ada.call('PATCH', '/v1/clients/from-file', {})
    }
    await apply(described)
    expect((await tokenWith('from-file', secret)).status).toBe(200)
    await apply({ ...bare, token_endpoint_auth_method: 'private_key_jwt', jwks: keySet(EC) })
    expect(await livingSecrets('from-file')).toEqual([])
    await apply({ ...described, client_secret: `${secret}-another` })
    expect((await tokenWith('from-file', secret)).status).toBe(401)
    expect((await tokenWith('from-file', `${secret}-another`)).status).toBe(200)
  })

  it('is no public one, and a public one is none', async () => {
    const confidential = await made(world.ada, '/v1/clients', keyed({ jwks: keySet(EC) }))
    const device = await made(world.ada, '/v1/clients', { client_name: 'TV', application_kind: 'device' })
    for (const [id, method] of [
      [confidential.client_id, 'none'],
      [device.client_id, 'private_key_jwt'],
      [device.client_id, 'client_secret_basic'],
    ]) {
      const body = { token_endpoint_auth_method: method, jwks: keySet(EC) }
      expect(refusal(await world.ada.call('PATCH', `/v1/clients/${id}`, body))).toMatchObject({
        code: 'validation_failed',
        paths: expect.arrayContaining(['token_endpoint_auth_method']),
      })
    }
  })

  it('nobody rises by giving a key to a client that may do more on this server', async () => {
    const body = service({ resource_scopes: { [world.own]: ['organizations:write'] } })
    const { client_id: id } = await made(world.ada, '/v1/clients', body)
    const take = { token_endpoint_auth_method: 'private_key_jwt', jwks: keySet(EC) }
    const name = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'dev.example' }
    expect((await world.dev.call('PATCH', `/v1/clients/${id}`, name)).status).toBe(403)
    expect(refusal(await world.dev.call('PATCH', `/v1/clients/${id}`, take))).toEqual({
      status: 403,
      code: 'access_denied',
    })
    expect((await world.dev.call('PATCH', `/v1/clients/${id}`, { client_name: 'Renamed' })).status).toBe(200)
    expect((await world.ada.call('PATCH', `/v1/clients/${id}`, take)).status).toBe(200)
    expect(refusal(await world.dev.call('PATCH', `/v1/clients/${id}`, { jwks: keySet(ED) }))).toEqual({
      status: 403,
      code: 'access_denied',
    })
  })
})

it('a client that registered itself is no better known for being changed here', async () => {
  const { client_id: id } = await made(world.ada, '/v1/clients', service())
  await world.app.db
    .updateTable('client')
    .set({ registration: 'dynamic' })
    .where('client_id', '=', String(id))
    .execute()
  const answer = await world.ada.call('PATCH', `/v1/clients/${id}`, { client_name: 'Renamed' })
  expect(answer.json()).toMatchObject({ client_name: 'Renamed', registration: 'dynamic' })
  const exchanges = { grant_types: ['client_credentials', TOKEN_EXCHANGE] }
  expect(errorsIn(await world.ada.call('PATCH', `/v1/clients/${id}`, exchanges))).toEqual([
    { path: 'grant_types[1]', message: expect.stringContaining('registered itself') },
  ])
})
