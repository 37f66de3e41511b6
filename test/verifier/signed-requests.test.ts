// Signed requests at an API with the verifier: the head is judged by a real Latchkey, the body here.
import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  createVerifier,
  nodeRequest,
  type PresentedRequest,
  Refusal,
  type Verifier,
} from '../../src/verifier/verifier.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { BILLING_SECRET, ORDERS, ordersFile } from '../support/orders.ts'
import {
  type Headers,
  makeSigningKey,
  makeSigningSecret,
  type Signer,
  signMessage,
  signSimply,
} from '../support/signing.ts'

let app: TestApp
let verifier: Verifier
let secret: { id: string; secret: string }
let key: Signer
let reported: unknown[] = []
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  verifier = createVerifier({
    issuer: app.issuer,
    resource: ORDERS,
    credentials: { clientId: 'billing', clientSecret: BILLING_SECRET },
    report: error => void reported.push(error),
  })
  secret = await makeSigningSecret(app)
  key = await makeSigningKey(app)
})
afterAll(() => app.close())

const URL = `${ORDERS}/orders?open=1`
const BODY = '{"order":1}'

/** 'ok', or the code of the refusal. */
async function outcome(verified: Promise<unknown>): Promise<string> {
  try {
    await verified
    return 'ok'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

const post = (headers: Headers, body?: string) =>
  new Request(URL, { method: 'POST', headers, ...(body !== undefined && { body }) })

const signers: Record<string, (body?: string) => Headers> = {
  'RFC 9421 with a secret': body => signMessage(secret, { method: 'POST', url: URL, body }),
  'RFC 9421 with Ed25519': body => signMessage(key, { method: 'POST', url: URL, body }),
  'the simple profile': body =>
    signSimply(secret, { method: 'POST', url: URL, ...(body !== undefined && { body }) }),
}

describe.each(Object.entries(signers))('%s', (_name, sign) => {
  const withHash = (body: string): Headers => {
    const signed = sign(body)
    const hash = 'x-signature' in signed ? { 'x-content-sha256': hexOf(body) } : {}
    return { ...signed, ...hash }
  }

  it('a web request, whose body is read from a copy', async () => {
    const request = post(withHash(BODY), BODY)
    const identity = await verifier.verify(request, { scopes: ['write:orders'] })
    expect(identity).toMatchObject({ kind: 'signing-secret', clientId: 'billing', env: 'live' })
    expect(await request.text()).toBe(BODY)
    expect(await outcome(verifier.verify(post(sign())))).toBe('ok')
  })

  it('another body, or one where none was signed: refused', async () => {
    expect(await outcome(verifier.verify(post(withHash(BODY), '{"order":2}')))).toBe('invalid_token')
    expect(await outcome(verifier.verify(post(withHash(BODY))))).toBe('invalid_token')
    expect(await outcome(verifier.verify(post(sign(), BODY)))).toBe('invalid_token')
  })

  it('a Node request, whose body is given', async () => {
    const node = (body: string) => {
      const headers = { ...withHash(body), 'content-length': String(body.length) }
      return nodeRequest({
        method: 'POST',
        url: '/orders?open=1',
        rawHeaders: Object.entries(headers).flat(),
      })
    }
    const bytes = new TextEncoder().encode(BODY)
    expect(await outcome(verifier.verify(node(BODY), { body: bytes }))).toBe('ok')
    expect(await outcome(verifier.verify(node('{"order":2}'), { body: bytes }))).toBe('invalid_token')
    reported = []
    expect(await outcome(verifier.verify(node(BODY)))).toBe('invalid_token')
    expect(reported).toEqual([expect.objectContaining({ message: expect.stringMatching(/body/) })])
  })

  it('over HTTP/2, where no header says that a body comes', async () => {
    const send = (headers: Headers, body?: string) =>
      overHttp2(request => verifier.verify(request), headers, body)
    expect(await send(sign())).toBe('ok')
    reported = []
    expect(await send(sign(), BODY)).toBe('invalid_token')
    expect(await send(withHash(BODY), BODY)).toBe('invalid_token')
    expect(reported).toHaveLength(2)
    const given = (headers: Headers, body: string) =>
      overHttp2(request => verifier.verify(request, { body: Buffer.from(body) }), headers, body)
    expect(await given(withHash(BODY), BODY)).toBe('ok')
    expect(await given(withHash(BODY), '{"order":2}')).toBe('invalid_token')
  })

  it('once', async () => {
    const headers = sign()
    expect(await outcome(verifier.verify(post(headers)))).toBe('ok')
    expect(await outcome(verifier.verify(post(headers)))).toBe('invalid_token')
  })
})

it('beside another credential: ambiguous, also when that is a JWT', async () => {
  const signed = signers['RFC 9421 with a secret']?.() ?? {}
  for (const authorization of ['Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2ln', 'Basic YTpi', 'Bearer opaque'])
    expect(await outcome(verifier.verify(post({ ...signed, authorization })))).toBe('ambiguous_credentials')
  expect(await outcome(verifier.verify(post({ ...signed, 'x-api-key': 'lk_live_key_x' })))).toBe(
    'ambiguous_credentials',
  )
})

/** The outcome at a server of HTTP/2. The request is a POST to URL. */
async function overHttp2(
  verify: (request: PresentedRequest) => Promise<unknown>,
  headers: Headers,
  body?: string,
): Promise<string> {
  const verified = Promise.withResolvers<string>()
  const server = createServer((request, response) => {
    outcome(verify(nodeRequest(request))).then(verified.resolve, verified.reject)
    response.end()
  })
  await once(server.listen(0), 'listening')
  const client = connect(`http://localhost:${(server.address() as AddressInfo).port}`)
  try {
    const { pathname, search } = new globalThis.URL(URL)
    const target = { ':method': 'POST', ':path': `${pathname}${search}` }
    const stream = client.request({ ...headers, ...target }, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    stream.resume()
    return await verified.promise
  } finally {
    client.destroy()
    server.close()
  }
}

const hexOf = (body: string) => Buffer.from(signedHash(body), 'base64').toString('hex')
const signedHash = (body: string) =>
  signMessage(secret, { url: URL, body })['content-digest']?.slice(9, -1) ?? ''
