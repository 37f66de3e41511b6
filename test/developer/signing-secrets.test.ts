// /v1/signing-secrets: the wire, and whose they are.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { callerWith, made } from '../support/api-callers.ts'
import { ORDERS } from '../support/orders.ts'
import { newKeyPair, type Signer, signMessage, signSimply } from '../support/signing.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

const SECRETS = '/v1/signing-secrets'
const SELF = '/v1/credentials/self'
const scopes = { [ORDERS]: ['read:orders'] }
const minimal = { client_id: 'ci', name: 'Nightly', scopes }

const url = () => `${world.app.issuer}${SELF}`
const statusOf = async (signer: Signer) =>
  (await callerWith(world.app, signMessage(signer, { url: url() })).call('GET', SELF)).status

const jwkOf = (x: string) => ({ kty: 'OKP', crv: 'Ed25519', x })
const errorsOf = (answer: { status: number; json(): Record<string, unknown> }) => [
  answer.status,
  answer.json().code,
  ...((answer.json().errors ?? []) as { path: string }[]).map(({ path }) => path),
]

const asSigner = ({ id, secret }: Record<string, unknown>) => ({ id: String(id), secret: String(secret) })

describe('a signing secret', () => {
  it('is made with everything said, shown once, and signs in both profiles', async () => {
    const body = {
      ...minimal,
      description: 'In the cellar',
      env: 'test',
      not_before: new Date(Date.now() - 60_000).toISOString(),
      expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      allowed_addresses: ['127.0.0.0/8', '::1/128'],
      rate_limit: { requests: 100, seconds: 60 },
    }
    const answer = await world.dev.call('POST', SECRETS, body)
    const { secret, ...one } = answer.json()
    expect([answer.status, answer.headers.location]).toEqual([201, `${SECRETS}/${one.id}`])
    expect(one).toEqual({
      ...body,
      id: expect.stringMatching(/^[0-9A-Za-z]{16}$/),
      status: 'active',
      algorithm: 'hmac-sha256',
      last4: String(secret).slice(-4),
      public_key: null,
      created_at: expect.stringMatching(/Z$/),
      last_used: null,
    })
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect((await world.dev.call('GET', `${SECRETS}/${one.id}`)).json()).toEqual(one)
    const signer = asSigner({ id: one.id, secret })
    expect(await statusOf(signer)).toBe(200)
    const simply = await callerWith(world.app, signSimply(signer, { url: url() })).call('GET', SELF)
    expect(simply.json()).toMatchObject({ kind: 'signing-secret', credential_id: one.id, client_id: 'ci' })
  })

  it.each([
    ['a JWK', (pair: ReturnType<typeof newKeyPair>) => jwkOf(pair.x)],
    [
      'the text of a JWK',
      (pair: ReturnType<typeof newKeyPair>) => JSON.stringify({ ...jwkOf(pair.x), kid: 'one' }),
    ],
    [
      'PEM',
      (pair: ReturnType<typeof newKeyPair>) => String(pair.publicKey.export({ type: 'spki', format: 'pem' })),
    ],
  ])('with Ed25519 has a public key, given as %s', async (_as, given) => {
    const pair = newKeyPair()
    const one = await made(world.dev, SECRETS, { ...minimal, algorithm: 'ed25519', public_key: given(pair) })
    expect(one).toMatchObject({ algorithm: 'ed25519', last4: null, public_key: jwkOf(pair.x) })
    expect(one).not.toHaveProperty('secret')
    expect(await statusOf({ id: String(one.id), privateKey: pair.privateKey })).toBe(200)
  })

  it.each<[string, object]>([
    ['no public key', { algorithm: 'ed25519' }],
    ['a public key for a secret', { public_key: jwkOf(newKeyPair().x) }],
    ['text', { algorithm: 'ed25519', public_key: 'ssh-ed25519 AAAA' }],
    [
      'a private JWK',
      { algorithm: 'ed25519', public_key: { ...jwkOf('A'.repeat(43)), d: 'secret-of-mine' } },
    ],
    [
      'a private PEM',
      { algorithm: 'ed25519', public_key: newKeyPair().privateKey.export({ type: 'pkcs8', format: 'pem' }) },
    ],
    ['another curve', { algorithm: 'ed25519', public_key: { ...jwkOf('A'.repeat(43)), crv: 'X25519' } }],
    ['a short key', { algorithm: 'ed25519', public_key: jwkOf('AAAA') }],
    [
      'nothing but zeros',
      { algorithm: 'ed25519', public_key: jwkOf(Buffer.alloc(32).toString('base64url')) },
    ],
    ['an unknown algorithm', { algorithm: 'rsa-pss-sha512' }],
    ['a binding', { cnf: { jkt: 'A'.repeat(43) } }],
    ['no scopes', { scopes: {} }],
    ['scopes beyond its client', { scopes: { [ORDERS]: ['none:such'] } }],
  ])('is not made: %s', async (what, more) => {
    const answer = await world.dev.call('POST', SECRETS, { ...minimal, ...more })
    expect(errorsOf(answer).slice(0, 2)).toEqual([400, 'validation_failed'])
    expect(answer.text).not.toContain('secret-of-mine')
    expect({ what, paths: errorsOf(answer).length > 2 }).toEqual({ what, paths: true })
  })

  it("is the client's organization's", async () => {
    const { id } = await made(world.dev, SECRETS, minimal)
    expect((await world.vic.call('GET', `${SECRETS}/${id}`)).status).toBe(200)
    for (const [method, path] of [
      ['DELETE', `${SECRETS}/${id}`],
      ['POST', `${SECRETS}/${id}/rotate`],
      ['POST', SECRETS],
    ] as const) {
      const body = method === 'DELETE' ? undefined : path === SECRETS ? minimal : {}
      expect([path, (await world.vic.call(method, path, body)).status]).toEqual([path, 403])
      expect([path, (await world.mallory.call(method, path, body)).status]).toEqual([path, 404])
    }
    expect((await world.mallory.call('GET', `${SECRETS}/${id}`)).status).toBe(404)
    expect((await world.mallory.call('GET', `${SECRETS}?client_id=ci`)).status).toBe(404)
    const key = await made(world.dev, '/v1/api-keys', minimal)
    expect((await world.dev.call('GET', `${SECRETS}/${key.id}`)).status).toBe(404)
  })

  it('is bounded by the credential that makes it', async () => {
    const own = { [world.own]: ['keys:write', 'keys:read'], ...scopes }
    const maker = asSigner(await made(world.dev, SECRETS, { ...minimal, scopes: own }))
    const asks = (body: object) => {
      const text = JSON.stringify(body)
      const signed = signMessage(maker, { method: 'POST', url: `${world.app.issuer}${SECRETS}`, body: text })
      return callerWith(world.app, signed).call('POST', SECRETS, text)
    }
    expect((await asks(minimal)).status).toBe(201)
    expect((await asks({ ...minimal, scopes: { [ORDERS]: ['write:orders'] } })).status).toBe(400)
  })

  it('gives itself a new secret, and a replaced one does not', async () => {
    const first = asSigner(
      await made(world.dev, SECRETS, { ...minimal, scopes: { [world.own]: ['keys:write'] } }),
    )
    const path = `${SECRETS}/${first.id}/rotate`
    const rotate = (signer: Signer) => {
      const signed = signMessage(signer, { method: 'POST', url: `${world.app.issuer}${path}`, body: '{}' })
      return callerWith(world.app, signed).call('POST', path, '{}')
    }
    const rotated = await rotate(first)
    expect(rotated.status).toBe(200)
    expect(await statusOf(asSigner(rotated.json()))).toBe(200)
    expect((await rotate(first)).status).toBe(403)
  })

  it('rotates: the id stays, the old one works through its grace, several do at once', async () => {
    const first = asSigner(await made(world.dev, SECRETS, minimal))
    const rotated = await world.dev.call('POST', `${SECRETS}/${first.id}/rotate`, {})
    expect(rotated.json()).toMatchObject({ id: first.id, last4: String(rotated.json().secret).slice(-4) })
    const second = asSigner(rotated.json())
    expect([await statusOf(first), await statusOf(second), await statusOf(first)]).toEqual([200, 200, 200])
    const third = asSigner((await world.dev.call('POST', `${SECRETS}/${first.id}/rotate`, {})).json())
    expect([await statusOf(third), await statusOf(second), await statusOf(first)]).toEqual([200, 200, 200])
    const last = asSigner(
      (await world.dev.call('POST', `${SECRETS}/${first.id}/rotate`, { immediately: true })).json(),
    )
    expect([await statusOf(last), ...(await Promise.all([first, second, third].map(statusOf)))]).toEqual([
      200, 401, 401, 401,
    ])
  })

  it('with Ed25519 rotates to another public key', async () => {
    const [one, two] = [newKeyPair(), newKeyPair()]
    const made1 = await made(world.dev, SECRETS, {
      ...minimal,
      algorithm: 'ed25519',
      public_key: jwkOf(one.x),
    })
    const rotate = (body: object) => world.dev.call('POST', `${SECRETS}/${made1.id}/rotate`, body)
    expect(errorsOf(await rotate({}))).toEqual([400, 'validation_failed', 'public_key'])
    expect(errorsOf(await rotate({ public_key: jwkOf(one.x) }))).toEqual([
      400,
      'validation_failed',
      'public_key',
    ])
    const answer = await rotate({ public_key: jwkOf(two.x), grace_seconds: 0 })
    expect(answer.json()).toMatchObject({ public_key: jwkOf(two.x) })
    const id = String(made1.id)
    expect(await statusOf({ id, privateKey: one.privateKey })).toBe(200)
    expect(await statusOf({ id, privateKey: two.privateKey })).toBe(200)
    expect(await statusOf({ id, privateKey: one.privateKey })).toBe(401)
  })

  it.each<[string, object]>([
    ['a public key for a secret', { public_key: jwkOf(newKeyPair().x) }],
    ['two ends', { immediately: true, grace_seconds: 1 }],
    ['an end in the past', { retire_at: '2020-01-01T00:00:00Z' }],
    ['a long grace', { grace_seconds: 40_000_000 }],
  ])('does not rotate: %s', async (_what, body) => {
    const { id } = await made(world.dev, SECRETS, minimal)
    expect((await world.dev.call('POST', `${SECRETS}/${id}/rotate`, body)).status).toBe(400)
  })

  it('is revoked, stays in the list as such, and is refused', async () => {
    const signer = asSigner(await made(world.dev, SECRETS, minimal))
    const path = `${SECRETS}/${signer.id}`
    expect((await world.dev.call('DELETE', `${path}?wait=all`)).json()).toMatchObject({ revoked: 1 })
    expect((await world.dev.call('DELETE', path)).status).toBe(204)
    expect((await world.dev.call('GET', path)).json()).toMatchObject({ status: 'revoked' })
    expect((await world.dev.call('POST', `${path}/rotate`, {})).status).toBe(409)
    expect(await statusOf(signer)).toBe(401)
    const { data } = (await world.dev.call('GET', `${SECRETS}?client_id=ci`)).json() as {
      data: { id: string }[]
    }
    expect(data.map(({ id }) => id)).toContain(signer.id)
  })
})
