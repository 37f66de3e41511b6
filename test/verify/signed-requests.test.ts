// Signed requests that a resource server asks about: what was signed is compared with what it tells, and the digest of a
// body that it does not tell is handed on.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { SYSTEM } from '../support/minted.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import {
  contentDigest,
  type Headers,
  makeSigningSecret,
  nowInSeconds,
  signingSecretsOf,
  signMessage,
  signSimply,
} from '../support/signing.ts'
import { askVerify, pairsOf, verifierToken } from './doors.ts'

let app: TestApp
let signer: { id: string; secret: string }
let token: string

beforeAll(async () => {
  app = await startApp({}, ordersFile)
  signer = await makeSigningSecret(app)
  token = await verifierToken(app)
})
afterAll(() => app.close())

const URL = 'https://api.example.com/orders?open=1'

interface Verified {
  readonly allowed: boolean
  readonly identity?: { readonly content_digest?: string; readonly kind: string }
  readonly response?: { readonly body: { readonly code: string } }
  readonly checks?: readonly { readonly name: string; readonly passed: boolean; readonly detail: string }[]
}

async function verify(question: object): Promise<Verified> {
  const answer = await askVerify(app, token, { resource: ORDERS, ...question })
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.json() as unknown as Verified
}

const codeOf = ({ response }: Verified) => response?.body.code

describe('POST /v1/verify', () => {
  const asked = (headers: Headers, more: object = {}) => ({
    request: { method: 'POST', url: URL, headers: pairsOf(headers), ...more },
  })
  const body = '{"order":1}'
  const message = () => signMessage(signer, { method: 'POST', url: URL, body })
  const simple = (more: Headers = {}) => signSimply(signer, { method: 'POST', url: URL, body, headers: more })
  const EMPTY = contentDigest('')
  const hash = Buffer.from(contentDigest(body).slice(9, -1), 'base64').toString('hex')

  it('without the body hands the signed digest on', async () => {
    expect((await verify(asked(message()))).identity).toMatchObject({ content_digest: contentDigest(body) })
    const told = { 'x-content-sha256': hash.toUpperCase() }
    expect((await verify(asked(simple(told)))).identity).toMatchObject({
      content_digest: contentDigest(body),
    })
  })

  it('hands on that there is no body, when none was signed', async () => {
    const none = signMessage(signer, { method: 'POST', url: URL })
    expect((await verify(asked(none))).identity?.content_digest).toBe(EMPTY)
    const nothing = signSimply(signer, { method: 'POST', url: URL })
    expect((await verify(asked(nothing))).identity?.content_digest).toBe(EMPTY)
  })

  it.each<Headers>([{ 'content-length': '11' }, { 'transfer-encoding': 'chunked' }])(
    'with a body that is announced and not signed: refused',
    async announced => {
      const none = signMessage(signer, { method: 'POST', url: URL })
      expect(codeOf(await verify(asked({ ...none, ...announced })))).toBe('invalid_token')
      expect(codeOf(await verify(asked(simple(announced))))).toBe('invalid_token')
    },
  )

  it('with a digest of the body compares', async () => {
    const seen = { content_digest: contentDigest(body) }
    const good = await verify(asked(message(), seen))
    expect([good.allowed, good.identity?.content_digest]).toEqual([true, undefined])
    expect((await verify(asked(simple(), seen))).allowed).toBe(true)
    const other = { content_digest: contentDigest('{"order":2}') }
    expect(codeOf(await verify(asked(message(), other)))).toBe('invalid_token')
    expect(codeOf(await verify(asked(simple(), other)))).toBe('invalid_token')
    const none = signMessage(signer, { method: 'POST', url: URL })
    expect(codeOf(await verify(asked(none, seen)))).toBe('invalid_token')
    expect((await verify(asked(none, { content_digest: EMPTY }))).allowed).toBe(true)
    const wide = { content_digest: `sha-512=:${Buffer.alloc(64).toString('base64')}:` }
    expect(codeOf(await verify(asked(message(), wide)))).toBe('invalid_token')
  })

  it.each(['', 'nonsense', 'sha-256=:AAAA:', 'md5=:1B2M2Y8AsgTpgAmY7PhCfg==:'])(
    'with the digest %j: 400',
    async content_digest => {
      const answer = await askVerify(app, token, {
        resource: ORDERS,
        ...asked(message(), { content_digest }),
      })
      expect([answer.status, answer.json().errors]).toEqual([
        400,
        [{ path: 'request.content_digest', message: expect.any(String) }],
      ])
    },
  )

  it.each<[string, object]>([
    ['another path', { url: 'https://api.example.com/orders/1?open=1' }],
    ['another spelling of the path', { url: 'https://api.example.com/%6frders?open=1' }],
    ['another query', { url: 'https://api.example.com/orders?open=2' }],
    ['no query', { url: 'https://api.example.com/orders' }],
    ['another host', { url: 'https://other.example.com/orders?open=1' }],
    ['another port', { url: 'https://api.example.com:8443/orders?open=1' }],
    ['a user', { url: 'https://me@api.example.com/orders?open=1' }],
    ['a path alone: ours', { url: '/orders?open=1' }],
    ['another method', { method: 'PUT' }],
  ])('for %s: refused', async (_what, more) => {
    expect(codeOf(await verify(asked(message(), more)))).toBe('invalid_token')
    expect(codeOf(await verify(asked(simple({ 'x-content-sha256': hash }), more)))).toBe('invalid_token')
  })

  it('is not spent by a request that is refused for something else', async () => {
    const { secret, id } = await makeSigningSecret(app, { allowedAddresses: ['192.0.2.1'] })
    const signed = signMessage({ id, secret }, { url: URL })
    const asked = (client_address: string) =>
      verify({ request: { method: 'GET', url: URL, headers: pairsOf(signed), client_address } })
    expect(codeOf(await asked('192.0.2.9'))).toBe('address_not_allowed')
    expect((await asked('192.0.2.1')).allowed).toBe(true)
    expect(codeOf(await asked('192.0.2.1'))).toBe('invalid_token')
  })

  it('takes the usual port and the letters of a host as they come', async () => {
    const url = 'https://API.example.com:443/orders?open=1'
    expect((await verify(asked(message(), { url }))).allowed).toBe(true)
  })

  it('explains without spending anything', async () => {
    const question = asked(message())
    const explained = await verify({ ...question, explain: true })
    expect(explained.checks?.map(({ name, passed }) => `${name} ${passed}`)).toEqual(
      [
        ...['presented', 'known', 'signature', 'age', 'body', 'status', 'not_before', 'expiry', 'owner'],
        ...['environment', 'audience', 'address', 'binding', 'scopes', 'replay', 'rate_limit'],
      ].map(name => `${name} true`),
    )
    expect((await verify({ ...question, explain: true })).allowed).toBe(true)
    expect((await verify(question)).allowed).toBe(true)
    const replayed = await verify({ ...question, explain: true })
    expect(replayed.checks?.filter(({ passed }) => !passed)).toEqual([
      { name: 'replay', passed: false, detail: expect.any(String) },
    ])
  })

  it('explains what is wrong', async () => {
    const wrong = async (headers: Headers) => {
      const { checks } = await verify({ ...asked(headers), explain: true })
      return checks?.filter(({ passed }) => !passed).map(({ name }) => name)
    }
    const old = { created: nowInSeconds() - 400 }
    const uncovered = { components: ['@method', '@authority', '@path'] }
    const { signature: _signature, ...unsigned } = message()
    expect([
      await wrong(signMessage(signer, { method: 'POST', url: URL, body }, old)),
      await wrong(signMessage({ ...signer, id: '0123456789abcdef' }, { method: 'POST', url: URL, body })),
      await wrong(signMessage({ ...signer, secret: 'other' }, { method: 'POST', url: URL, body })),
      await wrong(signMessage(signer, { method: 'POST', url: URL, body }, uncovered)),
      await wrong(unsigned),
    ]).toEqual([['age'], ['known'], ['signature'], ['shape'], ['shape']])
  })

  it('does not activate a key that waits when it only explains', async () => {
    const one = await makeSigningSecret(app)
    const { secret = '' } = await signingSecretsOf(app).rotate(SYSTEM, one.id, { graceSeconds: 0 })
    const by = (key: string) => asked(signMessage({ id: one.id, secret: key }, { method: 'POST', url: URL }))
    expect((await verify({ ...by(secret), explain: true })).allowed).toBe(true)
    expect((await verify(by(one.secret))).allowed).toBe(true)
    expect((await verify(by(secret))).allowed).toBe(true)
    expect((await verify(by(one.secret))).allowed).toBe(false)
  })
})
