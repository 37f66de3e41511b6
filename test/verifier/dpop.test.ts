// JWT access tokens that are bound to a DPoP key (RFC 9449), judged by the verifier itself.
import { createHash, X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals'
import {
  createVerifier,
  type Identity,
  nodeRequest,
  type PresentedRequest,
  Refusal,
  type VerifierOptions,
} from '../../src/verifier/verifier.ts'
import { createCertificate } from '../support/certificate.ts'
import { costlyProofKey, type ProofKey, type ProofRequest, proofKey } from '../support/dpop.ts'
import { API, claimsFor, type Issuer, type IssuerKey, issuerKey, startIssuer } from '../support/issuer.ts'

const URL_OF_ORDERS = `${API}/orders`

let issuer: Issuer
let signing: IssuerKey
let key: ProofKey
let clock: number
beforeEach(async () => {
  clock = Date.now()
  issuer = await startIssuer()
  signing = await issuerKey()
  issuer.publish([signing])
  key = await proofKey()
})
afterEach(() => issuer.close())

type Verifier = ReturnType<typeof createVerifier>

const verifierOf = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({
    issuer: issuer.issuer,
    resource: API,
    now: () => clock,
    report: () => undefined,
    ...options,
  })

const tokenOf = (claims: object = { cnf: { jkt: key.jkt } }) =>
  signing.sign('at+jwt', { ...claimsFor(issuer.issuer, clock), ...claims })

const seconds = () => Math.floor(clock / 1000)

async function shownWith(
  token: string,
  change: Partial<ProofRequest> = {},
  by = key,
): Promise<PresentedRequest> {
  const claims = { iat: seconds(), ...change.claims }
  const proof = await by.proof({ method: 'GET', url: URL_OF_ORDERS, token, ...change, claims })
  return request(['Authorization', `DPoP ${token}`, 'DPoP', proof])
}

const request = (rawHeaders: string[], url = '/orders?page=2') =>
  nodeRequest({ method: 'GET', url, rawHeaders })

async function outcome(verifier: Verifier, shown: PresentedRequest): Promise<string> {
  const found = await answerTo(verifier, shown)
  return found instanceof Refusal ? found.code : 'ok'
}

const answerTo = (verifier: Verifier, shown: PresentedRequest): Promise<Identity | Refusal> =>
  verifier.verify(shown).catch((error: unknown) => {
    if (error instanceof Refusal) return error
    throw error
  })

test('with a proof of its own for each request, each once', async () => {
  const verifier = verifierOf()
  const token = await tokenOf()
  const shown = await shownWith(token)
  expect(await verifier.verify(shown)).toMatchObject({ kind: 'access-token', cnf: { jkt: key.jkt } })
  expect(await answerTo(verifier, shown)).toMatchObject({
    status: 401,
    code: 'invalid_dpop_proof',
    message: 'The DPoP proof was used before: every request needs one of its own.',
  })
  expect(await outcome(verifier, await shownWith(token))).toBe('ok')
})

test('20 times the same at once: one success', async () => {
  const verifier = verifierOf()
  const shown = await shownWith(await tokenOf())
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(verifier, shown)))
  expect(outcomes.filter(one => one === 'ok')).toHaveLength(1)
})

describe('not with what is wrong', () => {
  it.each<[string, string, (token: string) => Promise<PresentedRequest>]>([
    ['as a bearer token', 'invalid_token', async token => request(['Authorization', `Bearer ${token}`])],
    [
      'as a bearer token with a proof beside it',
      'invalid_token',
      async token => {
        const shown = await shownWith(token)
        return request(['Authorization', `Bearer ${token}`, 'DPoP', shown.all('dpop')[0] ?? ''])
      },
    ],
    [
      'with a key that would make the API wait',
      'invalid_dpop_proof',
      async token => shownWith(token, {}, await costlyProofKey()),
    ],
    ['a proof of another key', 'invalid_token', async token => shownWith(token, {}, await proofKey())],
    ['no proof', 'invalid_dpop_proof', async token => request(['Authorization', `DPoP ${token}`])],
    [
      'two proofs',
      'invalid_dpop_proof',
      async token => {
        const [one = ''] = (await shownWith(token)).all('dpop')
        return request(['Authorization', `DPoP ${token}`, 'DPoP', one, 'DPoP', one])
      },
    ],
    ['for another method', 'invalid_dpop_proof', token => shownWith(token, { method: 'POST' })],
    ['for another path', 'invalid_dpop_proof', token => shownWith(token, { url: `${API}/others` })],
    [
      'for another host',
      'invalid_dpop_proof',
      token => shownWith(token, { url: 'https://evil.example.com/orders' }),
    ],
    ['for another token', 'invalid_dpop_proof', token => shownWith(token, { token: 'another' })],
    ['for no token', 'invalid_dpop_proof', token => shownWith(token, { token: undefined })],
    ['without jti', 'invalid_dpop_proof', token => shownWith(token, { claims: { jti: undefined } })],
    ['without iat', 'invalid_dpop_proof', token => shownWith(token, { claims: { iat: undefined } })],
    ['too old', 'invalid_dpop_proof', token => shownWith(token, { claims: { iat: seconds() - 77 } })],
    ['from the future', 'invalid_dpop_proof', token => shownWith(token, { claims: { iat: seconds() + 17 } })],
    ['of another type', 'invalid_dpop_proof', token => shownWith(token, { header: { typ: 'jwt' } })],
    [
      'with something critical',
      'invalid_dpop_proof',
      token => shownWith(token, { header: { crit: ['unheard_of'], unheard_of: 1 } }),
    ],
    [
      'with its private key in it',
      'invalid_dpop_proof',
      token => shownWith(token, { header: { jwk: key.privateJwk } }),
    ],
    [
      'signed by another key than it names',
      'invalid_dpop_proof',
      async token => {
        const { publicJwk } = await proofKey()
        return shownWith(token, { header: { jwk: publicJwk } })
      },
    ],
  ])('%s', async (_, code, make) => {
    expect(await outcome(verifierOf(), await make(await tokenOf()))).toBe(code)
  })

  test('a token that is not bound has no use for a proof', async () => {
    expect(await outcome(verifierOf(), await shownWith(await tokenOf({})))).toBe('invalid_token')
  })

  test('the Host of a request says nothing about where the API is', async () => {
    const token = await tokenOf()
    const proof = await key.proof({ method: 'GET', url: 'https://evil.example.com/orders', token })
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    const shown = new Request('https://evil.example.com/orders', { headers })
    await expect(verifierOf().verify(shown)).rejects.toMatchObject({ code: 'invalid_dpop_proof' })
  })
})

test('an address that is written in another way is the same', async () => {
  const verifier = verifierOf()
  const token = await tokenOf()
  for (const url of [`${API}:443/orders`, `${API}/%6frders?x=y#z`, 'HTTPS://API.example.com/a/../orders'])
    expect([url, await outcome(verifier, await shownWith(token, { url }))]).toEqual([url, 'ok'])
})

test('when no more proofs can be remembered nobody is let in, until the old ones are of no use', async () => {
  const verifier = verifierOf({ dpop: { mostRemembered: 3 } })
  const token = await tokenOf()
  for (let time = 0; time < 3; time++) expect(await outcome(verifier, await shownWith(token))).toBe('ok')
  expect(await outcome(verifier, await shownWith(token))).toBe('temporarily_unavailable')
  clock += 181_000
  expect(await outcome(verifier, await shownWith(token))).toBe('ok')
})

test('a token that is refused for something else spends no proof', async () => {
  const verifier = verifierOf()
  const shown = await shownWith(await tokenOf())
  await expect(verifier.verify(shown, { scopes: ['admin:orders'] })).rejects.toMatchObject({
    code: 'insufficient_scope',
  })
  expect(await outcome(verifier, shown)).toBe('ok')
})

describe('with nonces of the API', () => {
  test('asked for, taken for three minutes, renewed in the answer', async () => {
    const verifier = verifierOf({ dpop: { nonces: true } })
    const token = await tokenOf()
    const refused = (await answerTo(verifier, await shownWith(token))) as Refusal
    expect([refused.status, refused.code]).toEqual([401, 'use_dpop_nonce'])
    const [, nonce = ''] = refused.headers.find(([name]) => name === 'DPoP-Nonce') ?? []
    // Its iat is of a clock that may be wrong: the nonce says that it is recent.
    const withNonce = () => shownWith(token, { nonce, claims: { iat: 1 } })
    expect((await verifier.verify(await withNonce())).answerHeaders).toEqual([])
    clock += 60_000
    const [header] = (await verifier.verify(await withNonce())).answerHeaders
    expect(header).toEqual(['DPoP-Nonce', expect.any(String)])
    expect(header?.[1]).not.toBe(nonce)
    clock += 120_000
    expect(await outcome(verifier, await withNonce())).toBe('use_dpop_nonce')
    expect(await outcome(verifier, await shownWith(token, { nonce: 'made-up' }))).toBe('use_dpop_nonce')
  })

  test('one process knows the nonces of another that has the same secret', async () => {
    const [one, same, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map(nonces =>
      verifierOf({ dpop: { nonces } }),
    )
    if (!one || !same || !other) throw new Error('three were made')
    const token = await tokenOf()
    const refused = (await answerTo(one, await shownWith(token))) as Refusal
    const [, nonce] = refused.headers.find(([name]) => name === 'DPoP-Nonce') ?? []
    expect(await outcome(same, await shownWith(token, { nonce }))).toBe('ok')
    expect(await outcome(other, await shownWith(token, { nonce }))).toBe('use_dpop_nonce')
  })
})

describe('bound to a certificate (RFC 8705)', () => {
  const { cert: pem } = createCertificate('billing.example.com')
  const thumbprint = createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url')

  test('which the API has to hand over', async () => {
    const verifier = verifierOf()
    const token = await tokenOf({ cnf: { 'x5t#S256': thumbprint } })
    const shown = request(['Authorization', `Bearer ${token}`])
    expect(await verifier.verify(shown, { certificate: pem })).toMatchObject({ kind: 'access-token' })
    expect(await outcome(verifier, shown)).toBe('invalid_token')
    const other = request(['Authorization', `Bearer ${await tokenOf({ cnf: { 'x5t#S256': 'other' } })}`])
    await expect(verifier.verify(other, { certificate: pem })).rejects.toMatchObject({
      code: 'invalid_token',
    })
  })

  test('while that is within its dates', async () => {
    const { validFromDate, validToDate } = new X509Certificate(pem)
    const outcomeAt = async (time: number) => {
      clock = time
      const shown = request(['Authorization', `Bearer ${await tokenOf({ cnf: { 'x5t#S256': thumbprint } })}`])
      return verifierOf()
        .verify(shown, { certificate: pem })
        .then(
          () => 'ok',
          (error: Refusal) => error.code,
        )
    }
    expect(await outcomeAt(validToDate.getTime() - 60_000)).toBe('ok')
    expect(await outcomeAt(validToDate.getTime() + 60_000)).toBe('invalid_token')
    expect(await outcomeAt(validFromDate.getTime() - 60_000)).toBe('invalid_token')
  })

  test('and to a DPoP key as well: both', async () => {
    const verifier = verifierOf()
    const token = await tokenOf({ cnf: { 'x5t#S256': thumbprint, jkt: key.jkt } })
    expect(await outcome(verifier, await shownWith(token))).toBe('invalid_token')
    await expect(
      verifier.verify(request(['Authorization', `Bearer ${token}`]), { certificate: pem }),
    ).rejects.toMatchObject({ code: 'invalid_token' })
    expect(await verifier.verify(await shownWith(token), { certificate: pem })).toMatchObject({
      kind: 'access-token',
    })
  })
})
