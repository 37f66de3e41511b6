// DPoP (RFC 9449) at the provider's endpoints: nonces, bound tokens, proofs that are used once.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt, type JWK, SignJWT } from 'jose'
import { countRows } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import {
  answer,
  authorizationRequest,
  codeFlow,
  type FlowClient,
  protocolPost,
  redirectOf,
} from '../support/authorization.ts'
import { costlyProofKey, type ProofKey, type ProofRequest, proofKey } from '../support/dpop.ts'
import {
  BILLING_SECRET,
  billing,
  ORDERS,
  ordersFile,
  ordersSpa,
  ordersWeb,
  STOCK,
} from '../support/orders.ts'

const bound = {
  client_id: 'bound',
  client_secret: BILLING_SECRET,
  grant_types: ['client_credentials'],
  resource_scopes: { [ORDERS]: ['read:orders'] },
  dpop_bound_access_tokens: true,
}

let app: TestApp
let key: ProofKey
beforeAll(async () => {
  app = await startApp({}, { ...ordersFile, clients: [...ordersFile.clients, bound] })
  key = await proofKey()
})
afterAll(() => app?.close())

type Sent = Omit<Partial<ProofRequest>, 'nonce'> & { nonce?: string | undefined; key?: ProofKey }

const tokenProof = ({ key: own = key, ...request }: Sent = {}) =>
  own.proof({ method: 'POST', url: `${app.issuer}/token`, ...request })

async function token(client: FlowClient, params: Record<string, string>, proof?: string) {
  return protocolPost(app.issuer, '/token', client, params, proof === undefined ? {} : { dpop: proof })
}

const service = { grant_type: 'client_credentials' }

async function freshNonce(): Promise<string> {
  const first = await token(billing, service, await tokenProof())
  return first.headers.get('dpop-nonce') ?? ''
}

test('a key that would make everybody wait is refused before anything is verified', async () => {
  const nonce = await freshNonce()
  const refused = await token(billing, service, await tokenProof({ key: await costlyProofKey(), nonce }))
  expect([refused.status, refused.body.error]).toEqual([400, 'invalid_dpop_proof'])
  const proof = await (await costlyProofKey()).proof({ method: 'GET', url: `${app.issuer}/userinfo`, nonce })
  const asked = await fetch(`${app.issuer}/userinfo`, { headers: { authorization: 'DPoP x', dpop: proof } })
  expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([
    401,
    'DPoP error="invalid_dpop_proof"',
  ])
})

test('the first proof is answered with a nonce, the second with a bound token', async () => {
  const first = await token(billing, service, await tokenProof())
  expect([first.status, first.body.error]).toEqual([400, 'use_dpop_nonce'])
  const nonce = first.headers.get('dpop-nonce') ?? ''
  expect(nonce).toMatch(/^[\w-]{20,}$/)
  const second = await token(billing, service, await tokenProof({ nonce }))
  expect(second.status).toBe(200)
  expect(second.body.token_type).toBe('DPoP')
  expect(decodeJwt(second.body.access_token ?? '').cnf).toEqual({ jkt: key.jkt })
  const seen = await protocolPost(app.issuer, '/introspect', billing, {
    token: second.body.access_token ?? '',
  })
  expect(seen.body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: key.jkt } })
})

test('a proof is used once', async () => {
  const proof = await tokenProof({ nonce: await freshNonce() })
  expect((await token(billing, service, proof)).status).toBe(200)
  const again = await token(billing, service, proof)
  expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
})

test('a client that must bind its tokens gets none without a proof', async () => {
  const none = await token(bound, service)
  expect([none.status, none.body.error]).toEqual([400, 'invalid_grant'])
  const proof = await tokenProof({ nonce: await freshNonce() })
  expect((await token(bound, service, proof)).body.token_type).toBe('DPoP')
})

describe('a proof that is wrong is refused, and nothing is kept', () => {
  const hour = 3600
  const now = () => Math.floor(Date.now() / 1000)
  test.each<[string, () => Sent | Promise<Sent>]>([
    ['for another method', () => ({ method: 'GET' })],
    ['for another address', () => ({ url: `${app.issuer}/userinfo` })],
    ['for another host', () => ({ url: 'https://evil.example/token' })],
    ['without jti', () => ({ claims: { jti: undefined } })],
    ['without iat', () => ({ claims: { iat: undefined } })],
    ['of another type', () => ({ header: { typ: 'JWT' } })],
    ['without its key', () => ({ header: { jwk: undefined } })],
    ['with the private key', () => ({ header: { jwk: key.privateJwk } })],
    ['with the key of somebody else', async () => ({ header: { jwk: (await proofKey()).publicJwk } })],
    ['that has expired', () => ({ claims: { exp: now() - hour } })],
  ])('%s', async (_what, sent) => {
    const nonce = await freshNonce()
    const before = await countRows(app)
    const refused = await token(billing, service, await tokenProof({ nonce, ...(await sent()) }))
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_dpop_proof'])
    expect(await countRows(app)).toEqual(before)
  })

  test('with a nonce of somebody else, or no JWT at all', async () => {
    const foreign = await token(billing, service, await tokenProof({ nonce: 'A'.repeat(43) }))
    expect([foreign.status, foreign.body.error]).toEqual([400, 'use_dpop_nonce'])
    for (const nonsense of ['x', 'a.b.c', `${await tokenProof()}, ${await tokenProof()}`])
      expect((await token(billing, service, nonsense)).body.error).toBe('invalid_dpop_proof')
  })

  test('with an algorithm that shares its key', async () => {
    const symmetric: JWK = { kty: 'oct' }
    const proof = await new SignJWT({ jti: 'x', htm: 'POST', htu: `${app.issuer}/token` })
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: symmetric })
      .setIssuedAt()
      .sign(Buffer.from('secret'))
    expect((await token(billing, service, proof)).body.error).toBe('invalid_dpop_proof')
  })
})

/** The code flow of a public client with proofs of `key`. */
async function boundFlow(params: Record<string, string> = { resource: STOCK, scope: 'openid read:stock' }) {
  const agent = app.agent()
  const { url, verifier } = authorizationRequest(app.issuer, ordersSpa, params)
  const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
  const proof = await tokenProof({ nonce: await freshNonce() })
  return token(
    ordersSpa,
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: ordersSpa.redirect_uris?.[0] ?? '',
      code_verifier: verifier,
    },
    proof,
  )
}

test.each([
  ['opaque', { resource: STOCK, scope: 'openid read:stock' }],
  ['JWT', { resource: ORDERS, scope: 'openid read:orders' }],
])('userinfo opens to a bound token (%s) with its proof only', async (_format, params) => {
  const { body } = await boundFlow(params)
  const accessToken = body.access_token ?? ''
  const url = `${app.issuer}/userinfo`
  const ask = async (scheme: string, sent?: Sent) => {
    const headers: Record<string, string> = { authorization: `${scheme} ${accessToken}` }
    const { key: own = key, ...request } = sent ?? {}
    if (sent) headers.dpop = await own.proof({ method: 'GET', url, token: accessToken, ...request })
    return fetch(url, { headers })
  }
  const first = await ask('DPoP', {})
  expect(first.status).toBe(401)
  expect(first.headers.get('www-authenticate')).toContain('use_dpop_nonce')
  const nonce = first.headers.get('dpop-nonce') ?? ''
  expect((await ask('DPoP', { nonce })).status).toBe(200)

  const refused = [
    await ask('Bearer'),
    await ask('DPoP'),
    await ask('DPoP', { nonce, key: await proofKey() }),
    await ask('DPoP', { nonce, token: 'another token' }),
    await ask('DPoP', { nonce, claims: { ath: undefined } }),
    await ask('DPoP', { nonce, method: 'POST' }),
  ]
  expect(refused.map(({ status }) => status)).toEqual([401, 400, 401, 401, 401, 401])
})

test("a public client's refresh token works with the same key only", async () => {
  const { body } = await boundFlow()
  const refresh = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' }
  const nonce = await freshNonce()
  const other = await token(ordersSpa, refresh, await tokenProof({ nonce, key: await proofKey() }))
  expect([other.status, other.body.error]).toEqual([400, 'invalid_grant'])
  expect((await token(ordersSpa, refresh)).body.error).toBe('invalid_grant')
  const renewed = await token(ordersSpa, refresh, await tokenProof({ nonce }))
  expect([renewed.status, renewed.body.token_type]).toEqual([200, 'DPoP'])
})

test('a code can be bound to a key when it is asked for', async () => {
  const agent = app.agent()
  const { url, verifier } = authorizationRequest(app.issuer, ordersWeb, { dpop_jkt: key.jkt })
  const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
  const exchange = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: ordersWeb.redirect_uris?.[0] ?? '',
    code_verifier: verifier,
  }
  const nonce = await freshNonce()
  const other = await token(ordersWeb, exchange, await tokenProof({ nonce, key: await proofKey() }))
  expect([other.status, other.body.error]).toEqual([400, 'invalid_grant'])
})

test('without a proof everything is as before', async () => {
  const { token: plain } = await codeFlow(app.issuer, app.agent(), ordersWeb)
  expect(plain.body.token_type).toBe('Bearer')
})
