// JWT access tokens, judged by the verifier with the keys that an issuer publishes: their cache headers, and what happens when
// they cannot be had. Time is the test's. Status lists: status-lists.test.ts.
import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals'
import { createVerifier, Refusal, type VerifierOptions, type Wanted } from '../../src/verifier/verifier.ts'
import { API, claimsFor, type Issuer, type IssuerKey, issuerKey, startIssuer } from '../support/issuer.ts'
import { until } from '../support/process.ts'

let issuer: Issuer
let key: IssuerKey
let clock: number
let reported: unknown[]
const now = () => clock
const pass = (seconds: number) => {
  clock += seconds * 1000
}
beforeEach(async () => {
  clock = Date.now()
  reported = []
  issuer = await startIssuer(now)
  key = await issuerKey()
  issuer.publish([key], { 'cache-control': 'max-age=600', etag: '"1"' })
})
afterEach(() => issuer.close())

const verifierOf = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({
    issuer: issuer.issuer,
    resource: API,
    now,
    report: error => void reported.push(error),
    ...options,
  })

const tokenOf = (claims: object = {}, by = key) =>
  by.sign('at+jwt', { ...claimsFor(issuer.issuer, clock), ...claims })

const shown = (token: string) =>
  new Request(`${API}/orders`, { headers: { authorization: `Bearer ${token}` } })

type Verifier = ReturnType<typeof createVerifier>

/** 'ok', or the code of the refusal. */
const outcome = (verifier: Verifier, token: string, wanted?: Wanted): Promise<string> =>
  verifier.verify(shown(token), wanted).then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof Refusal) return error.code
      throw error
    },
  )

const asked = (path: string) => issuer.asked.get(path) ?? 0

describe('claims', () => {
  test('who it is', async () => {
    const verifier = verifierOf()
    const claims = claimsFor(issuer.issuer, clock)
    const token = await tokenOf({ ...claims, acr: 'high' })
    const identity = await verifier.verify(shown(token), { scopes: ['read:orders'] })
    expect(identity).toEqual({
      kind: 'access-token',
      credentialId: claims.jti,
      subject: { type: 'client', id: 'billing' },
      clientId: 'billing',
      resource: API,
      scopes: ['read:orders', 'write:orders'],
      issuedAt: new Date(Number(claims.iat) * 1000),
      expiresAt: new Date(Number(claims.exp) * 1000),
      acr: 'high',
      answerHeaders: [],
    })
    const ofGrant = await verifier.verify(shown(await tokenOf({ sub: 'ada-id', grant_id: 'grant' })))
    expect(ofGrant.subject).toEqual({ type: 'account', id: 'ada-id' })
    // It is handed out again for the same token, so nobody may change it.
    expect(() => Object.assign(identity, { kind: 'api-key' })).toThrow(TypeError)
    expect(() => (identity.scopes as string[]).push('admin:orders')).toThrow(TypeError)
  })

  it.each<[string, object, string]>([
    ['another issuer', { iss: 'https://other.example.com' }, 'invalid_token'],
    ['an issuer with a slash', { iss: 'http://127.0.0.1/' }, 'invalid_token'],
    ['no issuer', { iss: undefined }, 'invalid_token'],
    ['another audience', { aud: 'https://stock.example.com' }, 'wrong_audience'],
    ['an audience that begins alike', { aud: `${API}/` }, 'wrong_audience'],
    ['no audience', { aud: undefined }, 'wrong_audience'],
    ['no audience in the list', { aud: [] }, 'wrong_audience'],
    ['several audiences', { aud: ['https://stock.example.com', API] }, 'ok'],
    ['an audience that is no text', { aud: [API, 1] }, 'invalid_token'],
    ['no jti', { jti: undefined }, 'invalid_token'],
    ['no subject', { sub: undefined }, 'invalid_token'],
    ['no client', { client_id: undefined }, 'invalid_token'],
    ['no iat', { iat: undefined }, 'invalid_token'],
    ['no exp', { exp: undefined }, 'invalid_token'],
    ['exp as a text', { exp: '9999999999' }, 'invalid_token'],
    ['exp as null', { exp: null }, 'invalid_token'],
    ['nbf as a text', { nbf: '1' }, 'invalid_token'],
    ['scopes as a list', { scope: ['read:orders'] }, 'invalid_token'],
    ['no scope', { scope: undefined }, 'insufficient_scope'],
    ['a part of a scope', { scope: 'read:orders2 read' }, 'insufficient_scope'],
    ['bound to a key', { cnf: { jkt: 'x' } }, 'invalid_token'],
    ['bound to a certificate', { cnf: { 'x5t#S256': 'x' } }, 'invalid_token'],
    ['bound in a way nobody knows', { cnf: { kid: 'x' } }, 'invalid_token'],
    ['bound to a name from the prototype', { cnf: { toString: 'x' } }, 'invalid_token'],
    ['a binding that is none', { cnf: 'x' }, 'invalid_token'],
  ])('%s', async (_, claims, code) => {
    const verifier = verifierOf()
    const token = await tokenOf(claims)
    for (let time = 0; time < 2; time++)
      expect(await outcome(verifier, token, { scopes: ['read:orders'] })).toBe(code)
  })

  test('times, with the tolerance, also for a token that is remembered', async () => {
    const verifier = verifierOf()
    const iat = Math.floor(clock / 1000)
    clock = iat * 1000
    const token = await tokenOf({ nbf: iat + 20, exp: iat + 100 })
    expect(await outcome(verifier, token)).toBe('invalid_token')
    pass(5)
    expect(await outcome(verifier, token)).toBe('ok')
    pass(109)
    expect(await outcome(verifier, token)).toBe('ok')
    pass(1)
    expect(await outcome(verifier, token)).toBe('invalid_token')
    expect(await outcome(verifierOf({ clockToleranceSeconds: 0 }), await tokenOf({ exp: iat + 115 }))).toBe(
      'invalid_token',
    )
  })
})

describe('keys', () => {
  test('a connection that was closed meanwhile: once more on another one, but never a question', async () => {
    let cuts = 1
    const urls: string[] = []
    const verifier = verifierOf({
      credentials: { clientId: 'a', clientSecret: 'b' },
      fetch: (url, init) => {
        urls.push(url.slice(issuer.issuer.length))
        return cuts-- > 0 ? Promise.reject(new TypeError('fetch failed')) : fetch(url, init)
      },
    })
    const token = await tokenOf()
    expect(await outcome(verifier, token)).toBe('ok')
    expect(urls).toEqual([
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server',
      '/jwks',
    ])
    cuts = 1
    expect(await outcome(verifier, 'no-jwt')).toBe('temporarily_unavailable')
    expect(urls.slice(3)).toEqual(['/token'])
  })

  test('are asked for once, and again when their time is half over, in the background', async () => {
    const verifier = verifierOf()
    const token = await tokenOf({ exp: Math.floor(clock / 1000) + 9000 })
    await Promise.all(Array.from({ length: 20 }, () => outcome(verifier, token)))
    expect(asked('/jwks')).toBe(1)
    pass(299)
    expect(await outcome(verifier, token)).toBe('ok')
    expect(asked('/jwks')).toBe(1)
    pass(2)
    expect(await outcome(verifier, token)).toBe('ok')
    await until('they are asked for', () => asked('/jwks') === 2)
    pass(300)
    expect(await outcome(verifier, token)).toBe('ok')
    expect(asked('/.well-known/oauth-authorization-server')).toBeLessThan(4)
  })

  test('a key that is gone when their time is over signs nobody in any more, remembered or not', async () => {
    const verifier = verifierOf()
    const token = await tokenOf()
    expect(await outcome(verifier, token)).toBe('ok')
    const next = await issuerKey()
    issuer.publish([next], { 'cache-control': 'max-age=600', etag: '"2"' })
    expect(await outcome(verifier, token)).toBe('ok')
    pass(600)
    expect(await outcome(verifier, token)).toBe('invalid_token')
    expect(await outcome(verifier, await tokenOf({}, next))).toBe('ok')
  })

  test('a new key is found at once, but nobody makes the verifier ask all the time', async () => {
    const verifier = verifierOf()
    expect(await outcome(verifier, await tokenOf())).toBe('ok')
    pass(10)
    const next = await issuerKey()
    issuer.publish([key, next])
    expect(await outcome(verifier, await tokenOf({}, next))).toBe('ok')
    expect(asked('/jwks')).toBe(2)
    for (let time = 0; time < 20; time++)
      expect(await outcome(verifier, await tokenOf({}, await issuerKey()))).toBe('invalid_token')
    expect(asked('/jwks')).toBe(2)
    pass(5)
    expect(await outcome(verifier, await tokenOf({}, await issuerKey()))).toBe('invalid_token')
    expect(asked('/jwks')).toBe(3)
  })

  test('while Latchkey is down they are used for so much longer, then nobody is let in', async () => {
    const verifier = verifierOf({ maxStaleKeysSeconds: 1000 })
    const token = await tokenOf({ exp: Math.floor(clock / 1000) + 9000 })
    expect(await outcome(verifier, token)).toBe('ok')
    issuer.down()
    pass(1599)
    expect(await outcome(verifier, token)).toBe('ok')
    expect(reported.length).toBeGreaterThan(0)
    pass(1)
    expect(await outcome(verifier, token)).toBe('temporarily_unavailable')
    issuer.up()
    pass(2)
    expect(await outcome(verifier, token)).toBe('ok')
  })

  test('while Latchkey is silent only the first one waits', async () => {
    const hangUps: (() => void)[] = []
    let isSilent = false
    const verifier = verifierOf({
      fetch: (url, init) => {
        if (!isSilent) return fetch(url, init)
        return new Promise((_, reject) => {
          hangUps.push(() => reject(new DOMException('silent', 'TimeoutError')))
        })
      },
    })
    const token = await tokenOf()
    expect(await outcome(verifier, token)).toBe('ok')
    isSilent = true
    pass(601)
    const first = outcome(verifier, token)
    // The metadata, then the keys.
    for (let asked = 0; asked < 2; asked++) {
      await until('it is asked', () => hangUps.length > 0)
      hangUps.pop()?.()
    }
    expect(await first).toBe('ok')
    pass(2)
    // It is asked again, but nobody ends this wait, and nobody waits for it.
    for (let time = 0; time < 3; time++) expect(await outcome(verifier, token)).toBe('ok')
    expect(hangUps.length).toBeGreaterThan(0)
  })

  test('after a failure nobody asks for a second', async () => {
    issuer.down()
    const verifier = verifierOf()
    const token = await tokenOf()
    for (let time = 0; time < 10; time++)
      expect(await outcome(verifier, token)).toBe('temporarily_unavailable')
    // Once, and once more on another connection.
    expect(asked('/.well-known/oauth-authorization-server')).toBe(2)
    issuer.up()
    pass(1)
    expect(await outcome(verifier, token)).toBe('ok')
  })

  it.each<[string, object]>([
    [
      'the metadata of another issuer',
      { issuer: 'https://other.example.com', jwks_uri: 'x', token_endpoint: 'x' },
    ],
    ['metadata without keys', { issuer: 'same' }],
    ['no object', [] as object],
  ])('%s: 503', async (_, body) => {
    const metadata = { ...body, ...('issuer' in body && body.issuer === 'same' && { issuer: issuer.issuer }) }
    issuer.at.set('/.well-known/oauth-authorization-server', { body: Array.isArray(body) ? body : metadata })
    expect(await outcome(verifierOf(), await tokenOf())).toBe('temporarily_unavailable')
  })

  test('a redirect, an error page, an endless document: 503', async () => {
    const token = await tokenOf()
    for (const answer of [
      { status: 302, headers: { location: `${issuer.issuer}/jwks` }, body: '' },
      { status: 500, body: 'no' },
      { body: 'x'.repeat(5 * 1024 * 1024) },
      { body: { keys: 'none' } },
    ]) {
      issuer.at.set('/jwks', answer)
      expect(await outcome(verifierOf(), token)).toBe('temporarily_unavailable')
    }
  })
})

describe('what is no JWT, without a way to ask', () => {
  const codeOf = (headers: Record<string, string>, path = '/orders') =>
    verifierOf()
      .verify(new Request(`${API}${path}`, { headers }))
      .then(
        () => 'ok',
        (error: Refusal) => `${error.status} ${error.code}`,
      )

  it.each<[string, Record<string, string>, string]>([
    ['nothing', {}, '401 unauthenticated'],
    ['a cookie', { cookie: 'a=b' }, '401 unauthenticated'],
    ['another scheme', { authorization: 'Negotiate abc' }, '401 unauthenticated'],
    ['an opaque token', { authorization: 'Bearer abc' }, '401 invalid_token'],
    ['a scheme alone', { authorization: 'Bearer' }, '401 invalid_token'],
    ['a key', { 'x-api-key': 'abc' }, '401 invalid_token'],
    ['two credentials', { authorization: 'Bearer abc', 'x-api-key': 'abc' }, '400 ambiguous_credentials'],
  ])('%s', async (_, headers, expected) => {
    expect(await codeOf(headers)).toBe(expected)
  })

  test('a token in the address', async () => {
    for (const query of ['access_token=abc', 'a=b&access_tok%65n=', 'q=lk_live_key_0123'])
      expect(await codeOf({}, `/orders?${query}`)).toBe('400 invalid_request')
    expect(await codeOf({}, '/orders?q=key')).toBe('401 unauthenticated')
  })
})

describe('options that cannot be meant', () => {
  it.each<[string, Partial<VerifierOptions>]>([
    ['an issuer with a path', { issuer: 'https://id.example.com/' }],
    ['an issuer in plain http', { issuer: 'http://id.example.com' }],
    ['an issuer that is no address', { issuer: 'id' }],
    ['no resource', { resource: '' }],
    ['no origin, and a resource that has none', { resource: 'urn:orders' }],
    ['answers kept for an hour', { cacheSeconds: 3600 }],
    ['a number that is none', { maxStaleSeconds: Number.NaN }],
    ['a short nonce secret', { dpop: { nonces: Buffer.alloc(16) } }],
  ])('%s', (_, options) => {
    expect(() => verifierOf(options)).toThrow(TypeError)
  })
})
