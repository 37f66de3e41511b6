// DPoP proofs by themselves (RFC 9449, section 4.3), and that our nonces are the provider's.
import { beforeAll, describe, expect, it } from '@jest/globals'
import { exportJWK, generateKeyPair, generateSecret, SignJWT } from 'jose'
import { DPOP_ALGS, type DpopNonces, readDpopProof } from '../../src/credentials/dpop-proof.ts'
import { describeRequest } from '../../src/http/request-view.ts'
import { createDpopNonces } from '../../src/oidc/dpop.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { costlyProofKey, type ProofKey, type ProofRequest, proofKey } from '../support/dpop.ts'

const URL_ = 'https://api.example.com/orders'
const TOKEN = 'rE3UVdYeRXVC-WWn1aorBo1GmBH0DxZ2E2s017nRQLp'
const nonces: DpopNonces = { next: () => 'new', isGood: nonce => nonce === 'new' || nonce === 'old' }

let key: ProofKey
beforeAll(async () => {
  key = await proofKey()
})

const good: ProofRequest = { method: 'GET', url: URL_, token: TOKEN, nonce: 'new' }
const read = (proofs: readonly string[], { method = 'GET', url = URL_ } = {}) => {
  const headers = proofs.map(proof => ['DPoP', proof] as const)
  return readDpopProof(describeRequest({ method, url, headers }), TOKEN, nonces)
}
const mistakeOf = async (...asked: Parameters<typeof read>) => {
  const outcome = await read(...asked)
  return 'mistake' in outcome ? outcome.mistake : undefined
}

describe('good', () => {
  it.each([...DPOP_ALGS])('signed with %s', async alg => {
    const { jkt, proof } = await proofKey(alg)
    expect(await read([await proof(good)])).toEqual({ jkt, jti: expect.any(String), nonce: 'new' })
  })

  it.each([
    ['with a query', URL_, `${URL_}?a=b&c=d`],
    ['with a query and a fragment in the proof', `${URL_}?x#y`, `${URL_}?a=b`],
    ['spelt otherwise', 'HTTPS://API.Example.com:443/%6Frders', URL_],
    ['with the same in lower case', 'https://api.example.com/%c3%a9', 'https://api.example.com/%C3%A9'],
    ['without a path', 'https://api.example.com', 'https://api.example.com/'],
  ])('%s', async (_name, htu, url) => {
    expect(await mistakeOf([await key.proof({ ...good, claims: { htu } })], { url })).toBeUndefined()
  })

  it('with a nonce that is not the newest, whatever the clock of its maker says', async () => {
    const proof = await key.proof({ ...good, nonce: 'old', claims: { iat: 1 } })
    expect(await read([proof])).toMatchObject({ nonce: 'old' })
  })
})

describe('bad', () => {
  it.each<[string, Partial<ProofRequest>, RegExp]>([
    ['another method', { method: 'POST' }, /^is for another method: its htm has to be GET/],
    ['a method in lower case', { method: 'get' }, /^is for another method/],
    ['no method', { claims: { htm: undefined } }, /^is for another method/],
    ['another path', { url: `${URL_}/1` }, /its htu has to be https:\/\/api.example.com\/orders$/],
    ['another case of the path', { url: 'https://api.example.com/Orders' }, /htu/],
    ['another host', { url: 'https://api.example.org/orders' }, /htu/],
    ['another scheme', { url: 'http://api.example.com/orders' }, /htu/],
    ['another port', { url: 'https://api.example.com:8443/orders' }, /htu/],
    ['a slash more', { url: `${URL_}/` }, /htu/],
    ['somebody in the address', { url: 'https://ada@api.example.com/orders' }, /htu/],
    ['an encoded slash', { url: 'https://api.example.com%2Forders' }, /htu/],
    ['a path alone', { claims: { htu: '/orders' } }, /htu/],
    ['an address that is no text', { claims: { htu: [URL_] } }, /htu/],
    ['another token', { token: 'another' }, /^is for another token/],
    ['no token', { token: undefined }, /^is for another token/],
    ['no jti', { claims: { jti: undefined } }, /jti/],
    ['an empty jti', { claims: { jti: '' } }, /jti/],
    ['no iat', { claims: { iat: undefined } }, /iat/],
    ['an end that has passed', { claims: { exp: 1 } }, /^is not a JWT/],
    ['another type', { header: { typ: 'JWT' } }, /^is not a JWT/],
    ['no type', { header: { typ: undefined } }, /^is not a JWT/],
    ['no key', { header: { jwk: undefined } }, /^is not a JWT/],
    [
      'something critical that nobody knows',
      { header: { crit: ['unheard_of'], unheard_of: 1 } },
      /^is not a JWT/,
    ],
  ])('%s', async (_name, change, mistake) => {
    expect(await mistakeOf([await key.proof({ ...good, ...change })])).toMatch(mistake)
  })

  it.each<[string, object, string | undefined]>([
    ['no nonce', { nonce: undefined }, undefined],
    ['an unknown nonce', { nonce: 'made up' }, undefined],
    ['a nonce that is no text', { claims: { nonce: 1 } }, undefined],
  ])('%s: asks for one', async (_name, change) => {
    expect(await read([await key.proof({ ...good, ...change })])).toMatchObject({ lacksNonce: true })
  })

  it('none, two, two in one, or no JWT at all', async () => {
    const proof = await key.proof(good)
    expect(await mistakeOf([])).toMatch(/^is missing/)
    expect(await mistakeOf([proof, proof])).toMatch(/more than once/)
    for (const text of [`${proof}, ${proof}`, '', 'a.b.c', `${proof}A`, proof.slice(0, -4), '\u00ff'])
      expect(await mistakeOf([text])).toMatch(/^is not a JWT/)
  })

  it("another's key in the header, or a private one", async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const [theirs, own] = [await exportJWK(publicKey), await exportJWK(privateKey)]
    for (const jwk of [
      theirs,
      own,
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
      { kty: 'EC' },
      'key',
      null,
    ])
      expect(await mistakeOf([await key.proof({ ...good, header: { jwk } })])).toMatch(/^is not a JWT/)
  })

  it('an RSA key that would make everybody wait, though it has signed it', async () => {
    const costly = await costlyProofKey()
    expect(await mistakeOf([await costly.proof(good)])).toMatch(/^is not a JWT/)
    const long = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1025, 255).toString('base64url') }
    const header = { alg: 'RS256', jwk: long }
    expect(await mistakeOf([await (await proofKey('RS256')).proof({ ...good, header })])).toMatch(
      /^is not a JWT/,
    )
  })

  it('a secret as its key, or no signature', async () => {
    const secret = await generateSecret('HS256', { extractable: true })
    const jwk = await exportJWK(secret)
    const symmetric = await new SignJWT({ jti: 'a', iat: 1, htm: 'GET', htu: URL_ })
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk })
      .sign(secret)
    expect(await mistakeOf([symmetric])).toMatch(/^is not a JWT/)
    const [, payload = ''] = (await key.proof(good)).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt' })).toString('base64url')
    expect(await mistakeOf([`${header}.${payload}.`])).toMatch(/^is not a JWT/)
  })
})

describe('nonces', () => {
  const of = (...secrets: number[]) =>
    createDpopNonces(createKeyring(secrets.map(one => Buffer.alloc(32, one))))

  it('of one node are good on every other, of another server nowhere', () => {
    expect(of(1).isGood(of(1).next())).toBe(true)
    expect(of(1).isGood(of(2).next())).toBe(false)
    expect(of(1).isGood('')).toBe(false)
  })

  it('are made with the newest secret', () => {
    expect(of(2, 1).next()).toBe(of(2).next())
  })
})
