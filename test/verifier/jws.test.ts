// The verifier's own JWS verification beside jose's: whatever one lets through the other does, for every spoiled token.
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, it, test } from '@jest/globals'
import fc from 'fast-check'
import { CompactSign, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { type KeySet, keySetFrom, verifyJws } from '../../src/verifier/jws.ts'
import { type IssuerKey, issuerKey } from '../support/issuer.ts'

const ALGORITHMS = ['ES256', 'EdDSA', 'RS256']
const CLAIMS = { iss: 'https://id.example.com', sub: 'billing', list: ['ä', 1, null] }

const keys = new Map<string, IssuerKey>()
let set: KeySet
let published: ReturnType<typeof createLocalJWKSet>
beforeAll(async () => {
  for (const alg of ALGORITHMS) keys.set(alg, await issuerKey(alg, alg))
  const jwks = { keys: [...keys.values()].map(({ jwk }) => jwk) }
  set = newSet(jwks)
  published = createLocalJWKSet(jwks)
})

function newSet(jwks: object): KeySet {
  const made = keySetFrom({ ...jwks })
  if (!made) throw new Error('no keys')
  return made
}

function keyOf(alg: string): IssuerKey {
  const key = keys.get(alg)
  if (!key) throw new Error(`no key for ${alg}`)
  return key
}

const ours = (token: string) => {
  const found = verifyJws(token, 'at+jwt', set)
  return found === 'unknown_key' ? undefined : found
}

const theirs = (token: string) =>
  jwtVerify(token, published, { typ: 'at+jwt', algorithms: ALGORITHMS }).then(
    ({ payload }) => payload,
    () => undefined,
  )

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe.each(ALGORITHMS)('%s', alg => {
  test('a good token: the same claims, also a second time', async () => {
    for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT']) {
      const token = await keyOf(alg).sign(typ, CLAIMS)
      expect(ours(token)).toEqual(CLAIMS)
      expect(ours(token)).toEqual(await theirs(token))
    }
  })

  // Signatures with numbers that begin with zeros or high bits are converted, too.
  test('many good tokens', async () => {
    for (let n = 0; n < 600; n++) {
      const token = await keyOf(alg).sign('at+jwt', { n })
      expect(ours(token)).toEqual({ n })
    }
  })

  test('one character changed, added or left out anywhere: as jose has it', async () => {
    const token = await keyOf(alg).sign('at+jwt', CLAIMS)
    const characters = 'ABCxyz019-_.=+/ \u0000é'
    const at = fc.integer({ min: 0, max: token.length })
    const change = fc.tuple(at, fc.constantFrom(...characters), fc.constantFrom(0, 1, 2))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async changes => {
        const spoiled = changes.reduce(
          (text, [at, character, dropped]) =>
            text.slice(0, at) + (dropped === 2 ? '' : character) + text.slice(at + Math.min(dropped, 1)),
          token,
        )
        const found = ours(spoiled)
        // What is more lenient here than there would be a hole; the other way round is only strict.
        if (found !== undefined) expect(found).toEqual(await theirs(spoiled))
      }),
      { numRuns: 300 },
    )
  })
})

describe('not let through', () => {
  const header = (alg: string, more: object = {}) => ({ alg, kid: alg, typ: 'at+jwt', ...more })
  const spoiled: [string, () => Promise<string> | string][] = [
    ['no signature at all', () => `${part(header('none'))}.${part(CLAIMS)}.`],
    ['alg none with a signature', async () => withHeader(await good(), header('none', { kid: 'ES256' }))],
    ['the public RSA key as an HMAC secret', () => hmac('RS256', 'spki')],
    ['the public EC key as an HMAC secret', () => hmac('ES256', 'spki')],
    ['the JWK as an HMAC secret', () => hmac('ES256', 'jwk')],
    ['another algorithm of the same key', () => signedAs('RS256', 'PS256')],
    ['RS512 with the RSA key', () => signedAs('RS256', 'RS512')],
    ["another key's kid", async () => keyOf('ES256').sign('at+jwt', CLAIMS, { kid: 'EdDSA' })],
    ['a kid that nobody knows', async () => keyOf('ES256').sign('at+jwt', CLAIMS, { kid: 'other' })],
    ['a kid from the prototype', async () => keyOf('ES256').sign('at+jwt', CLAIMS, { kid: '__proto__' })],
    ['a key of its own in the header', selfSigned],
    [
      'something critical',
      () => keyOf('ES256').sign('at+jwt', CLAIMS, { crit: ['unheard_of'], unheard_of: 1 }),
    ],
    ['an empty crit', async () => withHeader(await good(), header('ES256', { crit: [] }))],
    ['typ JWT', () => keyOf('ES256').sign('JWT', CLAIMS)],
    ['typ of an ID token, a proof, a list', () => keyOf('ES256').sign('statuslist+jwt', CLAIMS)],
    ['typ with something behind it', () => keyOf('ES256').sign('at+jwt; x=1', CLAIMS)],
    ['an ES256 signature in DER', derSigned],
    ['a signature of zeros', async () => withSignature(await good(), Buffer.alloc(64))],
    ['an empty signature', async () => withSignature(await good(), Buffer.alloc(0))],
    ['a signature that is too long', async () => withSignature(await good(), Buffer.alloc(65, 1))],
    ['claims that are no object', arrayClaims],
    ['four parts', async () => `${await good()}.x`],
    ['five parts', async () => `${await good()}.x.y`],
    ['padding', async () => `${await good()}=`],
    ['space around it', async () => ` ${await good()}`],
    ['nothing', () => ''],
    ['dots', () => '..'],
  ]

  it.each(spoiled)('%s', async (_, make) => {
    const token = await make()
    expect(ours(token)).toBeUndefined()
    expect(await theirs(token)).toBeUndefined()
  })

  const good = () => keyOf('ES256').sign('at+jwt', CLAIMS)
  const withHeader = (token: string, changed: object) =>
    [part(changed), ...token.split('.').slice(1)].join('.')
  const withSignature = (token: string, signature: Buffer) =>
    [...token.split('.').slice(0, 2), signature.toString('base64url')].join('.')

  function hmac(alg: string, format: 'spki' | 'jwk'): string {
    const { jwk } = keyOf(alg)
    const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    })
    const signed = `${part(header('HS256', { kid: alg }))}.${part(CLAIMS)}`
    const secret = format === 'spki' ? pem : JSON.stringify(jwk)
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
  }

  async function signedAs(of: string, alg: string): Promise<string> {
    const { privateKey } = await generateKeyPair(alg)
    return new SignJWT(CLAIMS).setProtectedHeader(header(alg, { kid: of })).sign(privateKey)
  }

  async function selfSigned(): Promise<string> {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    return new SignJWT(CLAIMS).setProtectedHeader(header('ES256', { jwk })).sign(privateKey)
  }

  async function derSigned(): Promise<string> {
    const token = await good()
    const raw = Buffer.from(token.split('.')[2] ?? '', 'base64url')
    const integer = (bytes: Buffer) => Buffer.concat([Buffer.of(2, 33, 0), bytes])
    const numbers = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
    return withSignature(token, Buffer.concat([Buffer.of(0x30, numbers.length), numbers]))
  }

  function arrayClaims(): Promise<string> {
    const signing = new CompactSign(Buffer.from('[1]')).setProtectedHeader(header('ES256'))
    return signing.sign(keyOf('ES256').privateKey)
  }
})

describe('keys', () => {
  test('only those that can have signed a token of Latchkey', async () => {
    const { jwk } = await issuerKey('ES256', 'good')
    const { jwk: rsa } = await issuerKey('RS256', 'rsa')
    const { publicKey: short } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const found = newSet({
      keys: [
        jwk,
        { ...jwk, kid: 'other-use', use: 'enc' },
        { ...jwk, kid: 'other-ops', key_ops: ['encrypt'] },
        { ...jwk, kid: 'other-alg', alg: 'ES384' },
        { ...jwk, kid: 'off-the-curve', x: jwk.y },
        { ...jwk, kid: undefined },
        { ...rsa, kid: 'pss', alg: 'PS256' },
        { ...short.export({ format: 'jwk' }), kid: 'short' },
        { kty: 'oct', k: 'c2VjcmV0', kid: 'symmetric', alg: 'HS256' },
        { ...jwk, kid: 'no-alg', alg: undefined },
        null,
        'key',
      ],
    })
    expect([...found.keys.keys()]).toEqual(['ES256 good', 'ES256 no-alg'])
    expect(keySetFrom({})).toBeUndefined()
  })

  test('a header is remembered only with its signature, and for its type', async () => {
    const fresh = newSet({ keys: [keyOf('ES256').jwk] })
    const [header = '', ...rest] = (await keyOf('ES256').sign('at+jwt', CLAIMS)).split('.')
    expect(verifyJws(`${header}.${part({})}.${rest[1]}`, 'at+jwt', fresh)).toBeUndefined()
    expect(fresh.headers['at+jwt'].size).toBe(0)
    expect(verifyJws([header, ...rest].join('.'), 'at+jwt', fresh)).toEqual(CLAIMS)
    expect(fresh.headers['at+jwt'].size).toBe(1)
    expect(verifyJws([header, ...rest].join('.'), 'statuslist+jwt', fresh)).toBeUndefined()
  })
})
