// An API behind a proxy that asks Latchkey: what of X-Auth-Identity the verifier believes, and that nothing else counts.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals'
import {
  createVerifier,
  nodeRequest,
  Refusal,
  type VerifierOptions,
  type Wanted,
} from '../../src/verifier/verifier.ts'
import { API, claimsFor, type Issuer, type IssuerKey, issuerKey, startIssuer } from '../support/issuer.ts'

let issuer: Issuer
let key: IssuerKey
let reported: unknown[] = []
beforeAll(async () => {
  issuer = await startIssuer()
  key = await issuerKey()
  issuer.publish([key])
})
afterAll(() => issuer.close())

const verifierOf = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({
    issuer: issuer.issuer,
    resource: API,
    forwardAuth: true,
    report: error => void reported.push(error),
    ...options,
  })

const seconds = () => Math.floor(Date.now() / 1000)

const claims = (more: object = {}) => ({
  iss: issuer.issuer,
  aud: API,
  sub: 'billing',
  subject_type: 'client',
  client_id: 'billing',
  organization: 'acme',
  credential_kind: 'api-key',
  credential_id: '0123456789abcdef',
  credential_issued_at: seconds() - 100,
  scope: 'read:orders write:orders',
  env: 'live',
  method: 'GET',
  host: new URL(API).host,
  path: '/orders',
  iat: seconds(),
  exp: seconds() + 60,
  jti: 'one',
  ...more,
})

const identityToken = (more: object = {}, typ = 'identity+jwt') => key.sign(typ, claims(more))

const request = (
  headers: Record<string, string>,
  { method = 'GET', path = '/orders?page=2', body }: { method?: string; path?: string; body?: string } = {},
) => new Request(`${API}${path}`, { method, headers, ...(body !== undefined && { body }) })

/** 'ok', or the code of the refusal. */
const outcome = (
  asked: Request,
  options: Partial<VerifierOptions> = {},
  wanted: Wanted = {},
): Promise<string> =>
  verifierOf(options)
    .verify(asked, wanted)
    .then(
      () => 'ok',
      (error: unknown) => {
        if (error instanceof Refusal) return error.code
        throw error
      },
    )

test('who it is', async () => {
  const token = await identityToken({ cnf: { jkt: 'thumbprint' }, act: { sub: 'billing' } })
  const identity = await verifierOf().verify(request({ 'x-auth-identity': token }), {
    scopes: ['read:orders'],
  })
  expect(identity).toEqual({
    kind: 'api-key',
    credentialId: '0123456789abcdef',
    subject: { type: 'client', id: 'billing' },
    clientId: 'billing',
    organization: 'acme',
    resource: API,
    scopes: ['read:orders', 'write:orders'],
    issuedAt: expect.any(Date),
    env: 'live',
    cnf: { jkt: 'thumbprint' },
    act: { sub: 'billing' },
    answerHeaders: [],
  })
})

test('a kind without a type of its own', async () => {
  const token = await identityToken({ credential_kind: 'session', subject_type: 'account', sub: 'ada' })
  const identity = await verifierOf().verify(request({ 'x-auth-identity': token }))
  expect(identity).toMatchObject({
    kind: 'other',
    kindName: 'session',
    subject: { type: 'account', id: 'ada' },
  })
})

describe('is not believed', () => {
  it.each<[string, object]>([
    ['of another issuer', { iss: 'https://id.example.org' }],
    ['for another API', { aud: 'https://stock.example.com' }],
    ['for several', { aud: [API, 'https://stock.example.com'] }],
    ['that has expired', { iat: seconds() - 120, exp: seconds() - 60 }],
    ['of the future', { iat: seconds() + 3_600, exp: seconds() + 3_660 }],
    ['without an end', { exp: undefined }],
    ['for another method', { method: 'POST' }],
    ['for another host', { host: 'evil.example' }],
    ['for another path', { path: '/orders/7' }],
    ['for a path with a query', { path: '/orders?page=2' }],
    ['without a path', { path: undefined }],
    ['without a subject', { sub: undefined }],
    ['of a subject of no type', { subject_type: 'resource' }],
    ['without scopes', { scope: undefined }],
    ['of an API key without a client', { client_id: undefined }],
  ])('one %s', async (_name, change) => {
    expect(await outcome(request({ 'x-auth-identity': await identityToken(change) }))).toBe('invalid_token')
  })

  it.each(['at+jwt', 'statuslist+jwt', 'jwt', 'dpop+jwt'])('one of the type %s', async typ => {
    expect(await outcome(request({ 'x-auth-identity': await identityToken({}, typ) }))).toBe('invalid_token')
  })

  it('one that somebody else signed, that nobody signed, or that is there twice', async () => {
    const stranger = await issuerKey('ES256', key.kid)
    const forged = await stranger.sign('identity+jwt', claims())
    const good = await identityToken()
    const [, payload = ''] = good.split('.')
    const unsigned = `${Buffer.from('{"alg":"none","typ":"identity+jwt"}').toString('base64url')}.${payload}.`
    for (const token of [forged, unsigned, `${good}, ${good}`, `${good}x`, 'nonsense'])
      expect(await outcome(request({ 'x-auth-identity': token }))).toBe('invalid_token')
    const twice = nodeRequest({
      method: 'GET',
      url: '/orders',
      rawHeaders: ['X-Auth-Identity', good, 'x-auth-identity', good],
    })
    await expect(verifierOf().verify(twice)).rejects.toMatchObject({ code: 'invalid_token' })
  })

  it('anything where no proxy is expected', async () => {
    const headers = { 'x-auth-identity': await identityToken() }
    expect(await outcome(request(headers), { forwardAuth: false })).toBe('unauthenticated')
  })
})

it('a credential that did not pass the proxy opens nothing', async () => {
  const token = await key.sign('at+jwt', claimsFor(issuer.issuer, Date.now()))
  const headers = { authorization: `Bearer ${token}` }
  expect(await outcome(request(headers), { forwardAuth: false })).toBe('ok')
  expect(await outcome(request(headers))).toBe('unauthenticated')
  expect(await outcome(request({ ...headers, 'x-auth-identity': '' }))).toBe('unauthenticated')
})

it('scopes and the environment are still asked for', async () => {
  const headers = { 'x-auth-identity': await identityToken() }
  expect(await outcome(request(headers), {}, { scopes: ['admin:orders'] })).toBe('insufficient_scope')
  expect(await outcome(request(headers), {}, { env: 'test' })).toBe('wrong_environment')
  expect(await outcome(request(headers), {}, { env: 'live' })).toBe('ok')
})

it('the proxy may cut off a prefix, and callers may know the API by another address', async () => {
  const change = { host: 'www.example.com:8443', path: '/api/orders' }
  const headers = { 'x-auth-identity': await identityToken(change) }
  const options = { origin: 'https://www.example.com:8443', forwardAuth: { prefix: '/api' } }
  expect(await outcome(request(headers), options)).toBe('ok')
  expect(await outcome(request(headers), { ...options, forwardAuth: true })).toBe('invalid_token')
  for (const prefix of ['api', '/api/', '/', '/a?b'])
    expect(() => verifierOf({ forwardAuth: { prefix } })).toThrow(TypeError)
})

describe('a body that was signed', () => {
  const text = '{"item":"A loom"}'
  const digest = (algorithm: 'sha-256' | 'sha-512', of = text) =>
    `${algorithm}=:${createHash(algorithm.replace('-', '')).update(of).digest('base64')}:`
  const signed = async (content_digest: string | undefined, credential_kind = 'signing-secret') =>
    identityToken({ method: 'POST', credential_kind, content_digest })
  const sent = (token: string, body: string | undefined = text) =>
    request({ 'x-auth-identity': token }, { method: 'POST', ...(body !== undefined && { body }) })

  it.each<[string, string, string, string]>([
    ['it', digest('sha-256'), text, 'ok'],
    ['it, in the longer one', digest('sha-512'), text, 'ok'],
    ['it, in both', `${digest('sha-256')}, ${digest('sha-512')}`, text, 'ok'],
    ['it, beside one that nobody knows', `md5=:AAAA:, ${digest('sha-256')}`, text, 'ok'],
    ['another', digest('sha-256'), `${text} `, 'invalid_token'],
    ['another in one of two', `${digest('sha-256')}, ${digest('sha-512', 'x')}`, text, 'invalid_token'],
    ['nothing that is known', 'md5=:AAAA:', text, 'invalid_token'],
    ['nothing that can be read', 'sha-256=abc', text, 'invalid_token'],
    ['no body', digest('sha-256', ''), '', 'ok'],
  ])('is that of the digest: %s', async (_name, content_digest, body, expected) => {
    expect(await outcome(sent(await signed(content_digest), body))).toBe(expected)
  })

  it('is compared whatever signed it, and still there for who answers', async () => {
    const asked = sent(await signed(digest('sha-256'), 'a-later-kind'))
    const identity = await verifierOf().verify(asked)
    expect(identity.contentDigest).toBe(digest('sha-256'))
    expect(await asked.text()).toBe(text)
    expect(await outcome(sent(await signed(digest('sha-256'), 'a-later-kind'), 'other'))).toBe(
      'invalid_token',
    )
  })

  it('is none when no digest was signed', async () => {
    const token = await signed(undefined)
    expect(await outcome(sent(token, ''))).toBe('ok')
    expect(await outcome(sent(token))).toBe('invalid_token')
    expect(await outcome(sent(await signed(undefined, 'access-token'), text))).toBe('invalid_token')
    expect(await outcome(sent(await identityToken({ method: 'POST' })))).toBe('ok')
  })

  it('may be given by who has read it; one that nobody has seen is not let in, and reported', async () => {
    const token = await signed(digest('sha-256'))
    const headers = ['X-Auth-Identity', token, 'Content-Length', String(text.length)]
    const asked = nodeRequest({ method: 'POST', url: '/orders', rawHeaders: headers })
    expect(await verifierOf().verify(asked, { body: Buffer.from(text) })).toMatchObject({
      kind: 'signing-secret',
    })
    reported = []
    await expect(verifierOf().verify(asked)).rejects.toMatchObject({ status: 401 })
    expect(reported).toHaveLength(1)
    const empty = nodeRequest({ method: 'POST', url: '/orders', rawHeaders: headers.slice(0, 2) })
    await expect(verifierOf().verify(empty)).rejects.toMatchObject({ status: 401 })
    const unannounced = nodeRequest({
      method: 'POST',
      url: '/orders',
      rawHeaders: [':method', 'POST', 'x-auth-identity', await signed(digest('sha-256', ''))],
      stream: { endAfterHeaders: false },
    })
    await expect(verifierOf().verify(unannounced)).rejects.toMatchObject({ status: 401 })
    const long = 'x'.repeat(1024 * 1024 + 1)
    expect(await outcome(sent(await signed(digest('sha-256', long)), long))).toBe('invalid_token')
  })
})

it('nobody is let in while the keys cannot be had', async () => {
  const gone = await startIssuer()
  const token = await identityToken({ iss: gone.issuer })
  gone.down()
  expect(await outcome(request({ 'x-auth-identity': token }), { issuer: gone.issuer })).toBe(
    'temporarily_unavailable',
  )
  await gone.close()
})
