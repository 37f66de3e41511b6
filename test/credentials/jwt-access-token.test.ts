// A JWT that comes again is remembered, and still judged by the keys and the time of the moment.
import { afterEach, expect, jest, test } from '@jest/globals'
import { exportJWK, generateKeyPair, importJWK, type JSONWebKeySet, SignJWT } from 'jose'
import { verifierOfJwtAccessTokens } from '../../src/credentials/jwt-access-token.ts'
import { makeSigningKey } from '../../src/keys/make-signing-key.ts'
import { SIGNING_ALGS } from '../../src/secrets/signing-alg.ts'

const ISSUER = 'http://localhost:3000'

async function signer(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const keys: JSONWebKeySet = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] }
  return {
    keys,
    sign: (claims: object = {}, typ = 'at+jwt') =>
      new SignJWT({ client_id: 'billing', scope: 'read:orders', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid, typ })
        .setIssuer(ISSUER)
        .setSubject('billing')
        .setAudience('https://api.example.com')
        .setJti('one')
        .setIssuedAt()
        .setExpirationTime('15m')
        .sign(privateKey),
  }
}

afterEach(() => {
  jest.useRealTimers()
})

test('the same claims each time, and nothing for what only resembles it', async () => {
  const { keys, sign } = await signer('one')
  const verify = verifierOfJwtAccessTokens(ISSUER, () => keys)
  const token = await sign()
  const [first, second] = [await verify(token), await verify(token)]
  expect(first).toMatchObject({ jti: 'one', client_id: 'billing', scope: 'read:orders' })
  expect(second).toEqual(first)
  const [header, payload, signature = ''] = token.split('.')
  for (const bad of [
    `${header}.${payload}.${[...signature].reverse().join('')}`,
    `${header}.${payload}.`,
    await sign({}, 'JWT'),
    await (await signer('one')).sign(),
  ])
    for (const _again of [1, 2]) expect(await verify(bad)).toBeUndefined()
  expect(await verify(token)).toEqual(first)
})

test('a key that is gone ends what it signed', async () => {
  const [old, current] = [await signer('old'), await signer('current')]
  let keys: JSONWebKeySet = { keys: [...current.keys.keys, ...old.keys.keys] }
  const verify = verifierOfJwtAccessTokens(ISSUER, () => keys)
  const tokens = [await old.sign(), await current.sign()]
  for (const token of tokens) expect(await verify(token)).toBeDefined()
  keys = current.keys
  expect(await Promise.all(tokens.map(verify))).toEqual([undefined, expect.anything()])
})

test('it expires although it is remembered', async () => {
  const { keys, sign } = await signer('one')
  const verify = verifierOfJwtAccessTokens(ISSUER, () => keys)
  const token = await sign()
  expect(await verify(token)).toBeDefined()
  const others = ['nextTick', 'setImmediate', 'setTimeout', 'setInterval', 'queueMicrotask'] as const
  jest.useFakeTimers({
    now: Date.now() + 15 * 60_000 + 1_000,
    doNotFake: [...others, 'performance', 'hrtime'],
  })
  for (const _again of [1, 2]) expect(await verify(token)).toBeUndefined()
})

test('each of our algorithms, and no other that the same key could be used with', async () => {
  const made = await Promise.all(SIGNING_ALGS.map(makeSigningKey))
  // Also where a key does not say what it is for.
  for (const keep of [true, false]) {
    const keys = made.map(({ publicJwk: { alg, ...bare } }) => (keep ? { ...bare, alg } : bare))
    const verify = verifierOfJwtAccessTokens(ISSUER, () => set)
    const set = { keys } as JSONWebKeySet
    const signed = async (at: number, alg: string) => {
      const { kid = '', privateJwk: { alg: _alg, ...jwk } = {} } = made[at] ?? {}
      return verify(
        await new SignJWT({
          client_id: 'billing',
          jti: 'one',
          sub: 'billing',
          aud: 'https://api.example.com',
        })
          .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
          .setIssuer(ISSUER)
          .setIssuedAt()
          .setExpirationTime('15m')
          .sign(await importJWK(jwk, alg)),
      )
    }
    for (const [at, alg] of SIGNING_ALGS.entries())
      expect(await signed(at, alg)).toMatchObject({ client_id: 'billing' })
    for (const [at, alg] of [
      [1, 'Ed25519'],
      [2, 'RS384'],
      [2, 'RS512'],
      [2, 'PS256'],
    ] as const)
      expect([alg, await signed(at, alg)]).toEqual([alg, undefined])
  }
})
