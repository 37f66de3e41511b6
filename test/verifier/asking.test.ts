// What the verifier asks POST /v1/verify, how long it keeps an answer, and when it does not.
import { createHash, X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals'
import { createVerifier, Refusal, type VerifierOptions, type Wanted } from '../../src/verifier/verifier.ts'
import { createCertificate } from '../support/certificate.ts'
import { API, type Issuer, type Respond, startIssuer } from '../support/issuer.ts'

const KEY = 'lk_live_key_0123456789abcdef_secret'
const IDENTITY = {
  kind: 'api-key',
  credential_id: 'key-1',
  subject: { type: 'client', id: 'billing' },
  client_id: 'billing',
  organization: 'acme',
  resource: API,
  scopes: ['read:orders'],
  env: 'live',
  issued_at: '2026-11-22T08:00:00.000Z',
}
const REFUSED = {
  allowed: false,
  response: {
    status: 401,
    headers: [
      ['Content-Type', 'application/problem+json'],
      ['WWW-Authenticate', 'Bearer realm="one"'],
      ['WWW-Authenticate', 'DPoP realm="one"'],
    ],
    body: {
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'Not good.',
      code: 'invalid_token',
    },
  },
}

let issuer: Issuer
let clock: number
let reported: unknown[]
/** What /v1/verify says, and what it was asked. */
let answer: unknown
let questions: Record<string, unknown>[]
beforeEach(async () => {
  clock = Date.now()
  reported = []
  questions = []
  answer = { allowed: true, identity: IDENTITY }
  issuer = await startIssuer()
  issuer.at.set('/token', { body: { access_token: 'own-token', expires_in: 900 } })
  issuer.at.set('/v1/verify', ({ body }) => {
    questions.push(body)
    return { body: answer }
  })
})
afterEach(() => issuer.close())

const verifierOf = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({
    issuer: issuer.issuer,
    resource: API,
    credentials: { clientId: 'orders api', clientSecret: 'a+secret' },
    now: () => clock,
    report: error => void reported.push(error),
    ...options,
  })

type Verifier = ReturnType<typeof createVerifier>

const withKey = (headers: Record<string, string> = {}, path = '/orders') =>
  new Request(`${API}${path}`, { headers: { authorization: `Bearer ${KEY}`, ...headers } })

const outcome = (verifier: Verifier, request = withKey(), wanted: Wanted = {}): Promise<string> =>
  verifier.verify(request, wanted).then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof Refusal) return error.code
      throw error
    },
  )

describe('a question', () => {
  test('is the whole request but its cookies, and what the API knows', async () => {
    const request = new Request(`${API}/orders?page=2#part`, {
      method: 'POST',
      headers: { 'x-api-key': KEY, cookie: 'session=of-a-browser', 'x-other': 'kept' },
    })
    const wanted = { scopes: ['read:orders'], env: 'live', address: '192.0.2.7' }
    const identity = await verifierOf().verify(request, wanted)
    expect(identity).toEqual({
      kind: 'api-key',
      credentialId: 'key-1',
      subject: { type: 'client', id: 'billing' },
      clientId: 'billing',
      organization: 'acme',
      resource: API,
      scopes: ['read:orders'],
      env: 'live',
      issuedAt: new Date('2026-11-22T08:00:00.000Z'),
      answerHeaders: [],
    })
    expect(questions).toEqual([
      {
        request: {
          method: 'POST',
          url: `${API}/orders?page=2`,
          headers: expect.arrayContaining([
            ['x-api-key', KEY],
            ['x-other', 'kept'],
          ]),
          client_address: '192.0.2.7',
        },
        resource: API,
        scopes: ['read:orders'],
        env: 'live',
      },
    ])
    expect(JSON.stringify(questions)).not.toContain('of-a-browser')
  })

  test('is asked with a token that is fetched once, and again when it is old or not taken any more', async () => {
    const headers: (string | undefined)[] = []
    const own: string[] = []
    issuer.at.set('/token', ({ request, body }) => {
      own.push(`${request.headers.authorization} ${body.resource} ${body.scope}`)
      return { body: { access_token: `own-${own.length}`, expires_in: 900 } }
    })
    const respond: Respond = ({ request }) => {
      headers.push(request.headers.authorization)
      return headers.length === 3 ? { status: 401, body: {} } : { body: answer }
    }
    issuer.at.set('/v1/verify', respond)
    const verifier = verifierOf({ cacheSeconds: 0 })
    for (let time = 0; time < 3; time++) expect(await outcome(verifier)).toBe('ok')
    expect(headers).toEqual(['Bearer own-1', 'Bearer own-1', 'Bearer own-1', 'Bearer own-2'])
    clock += 870_000
    expect(await outcome(verifier)).toBe('ok')
    expect(headers.at(-1)).toBe('Bearer own-3')
    const basic = Buffer.from('orders+api:a%2Bsecret').toString('base64')
    expect(own[0]).toBe(`Basic ${basic} ${issuer.issuer}/v1 verify`)
  })

  test('many at the same time about the same are one', async () => {
    const verifier = verifierOf()
    await Promise.all(Array.from({ length: 20 }, () => outcome(verifier)))
    expect(questions).toHaveLength(1)
    expect(issuer.asked.get('/token')).toBe(1)
  })
})

describe('a good answer', () => {
  test('is kept for two seconds', async () => {
    const verifier = verifierOf()
    expect(await outcome(verifier)).toBe('ok')
    answer = REFUSED
    clock += 1_999
    expect(await outcome(verifier)).toBe('ok')
    clock += 1
    expect(await outcome(verifier)).toBe('invalid_token')
  })

  test('is for this credential, these scopes, this environment, this address only', async () => {
    const verifier = verifierOf()
    const asked: [Request, Wanted][] = [
      [withKey(), {}],
      [withKey({ authorization: `Bearer ${KEY}x` }), {}],
      [withKey({ authorization: `ApiKey ${KEY}` }), {}],
      [withKey(), { scopes: ['read:orders'] }],
      [withKey(), { env: 'live' }],
      [withKey(), { address: '192.0.2.7' }],
      [withKey(), { address: '192.0.2.8' }],
    ]
    for (const [request, wanted] of asked) await outcome(verifier, request, wanted)
    expect(questions).toHaveLength(asked.length)
    for (const [request, wanted] of asked) await outcome(verifier, request, wanted)
    expect(questions).toHaveLength(asked.length)
    // But for every address of the API.
    await outcome(verifier, withKey({ 'x-other': 'y' }, '/elsewhere'))
    expect(questions).toHaveLength(asked.length)
  })

  it.each<[string, Record<string, string>]>([
    ['nothing', {}],
    ['an empty credential', { authorization: 'Bearer' }],
    ['a scheme that nobody knows', { authorization: 'Foreign text' }],
  ])(
    'about a credential that only Latchkey recognizes, beside %s, lets nobody else in',
    async (_, headers) => {
      issuer.at.set('/v1/verify', ({ body }) => {
        const sent = JSON.stringify(body)
        return { body: sent.includes('x-acme-key') ? { allowed: true, identity: IDENTITY } : REFUSED }
      })
      const verifier = verifierOf()
      const withHeaders = (more: Record<string, string>) =>
        new Request(`${API}/orders`, { headers: { ...headers, ...more } })
      const outcomes = await Promise.all([
        outcome(verifier, withHeaders({ 'x-acme-key': KEY })),
        outcome(verifier, withHeaders({})),
      ])
      expect(outcomes).toEqual(['ok', 'invalid_token'])
      expect(await outcome(verifier, withHeaders({}))).toBe('invalid_token')
      expect(await outcome(verifier, withHeaders({ 'x-acme-key': KEY }))).toBe('ok')
    },
  )

  it.each<[string, Record<string, string>, object]>([
    ['of a rate limit', {}, { headers: [['RateLimit', '"credential";r=3;t=2']] }],
    ['of a bound key', {}, { identity: { ...IDENTITY, cnf: { jkt: 'x' } } }],
    ['of a proof', { dpop: 'a.b.c' }, {}],
    ['of a signature', { signature: 'sig1=:abc:', 'signature-input': 'sig1=()' }, {}],
    ['of a simple signature', { 'x-signature': 'abc' }, {}],
  ])('is not kept when it is one %s', async (_, headers, more) => {
    answer = { allowed: true, identity: IDENTITY, ...more }
    const verifier = verifierOf()
    // A signature is a credential by itself, and none beside a key.
    const request = () =>
      'signature' in headers ? new Request(`${API}/orders`, { headers }) : withKey(headers)
    for (let time = 0; time < 3; time++) expect(await outcome(verifier, request())).toBe('ok')
    expect(questions).toHaveLength(3)
  })

  test('is not kept past the end of its credential', async () => {
    answer = {
      allowed: true,
      identity: { ...IDENTITY, expires_at: new Date(clock + 500).toISOString() },
    }
    const verifier = verifierOf({ maxStaleSeconds: 60 })
    expect(await outcome(verifier)).toBe('ok')
    clock += 500
    answer = REFUSED
    expect(await outcome(verifier)).toBe('invalid_token')
    answer = { allowed: true, identity: { ...IDENTITY, expires_at: new Date(clock + 500).toISOString() } }
    clock += 1_000
    expect(await outcome(verifier)).toBe('ok')
    issuer.down()
    clock += 500
    expect(await outcome(verifier)).toBe('temporarily_unavailable')
  })

  test('is not kept past the end of the certificate that it was proved with', async () => {
    const { cert } = createCertificate('billing.example.com')
    const { raw, validToDate } = new X509Certificate(cert)
    const cnf = { 'x5t#S256': createHash('sha256').update(raw).digest('base64url') }
    answer = { allowed: true, identity: { ...IDENTITY, cnf } }
    const verifier = verifierOf({ cacheSeconds: 60, maxStaleSeconds: 60 })
    clock = validToDate.getTime() - 30_000
    for (const _ of [1, 2]) expect(await outcome(verifier, withKey(), { certificate: cert })).toBe('ok')
    expect(questions).toHaveLength(1)
    issuer.at.set('/v1/verify', { status: 503, body: {} })
    clock += 31_000
    expect(await outcome(verifier, withKey(), { certificate: cert })).toBe('temporarily_unavailable')
  })

  test('is dropped when the verifier is told, also one that is under way', async () => {
    const verifier = verifierOf()
    await outcome(verifier)
    answer = REFUSED
    verifier.forget('another-key')
    expect(await outcome(verifier)).toBe('ok')
    verifier.forget('key-1')
    expect(await outcome(verifier)).toBe('invalid_token')

    answer = { allowed: true, identity: IDENTITY }
    verifier.forget()
    const underWay = outcome(verifier)
    verifier.forget()
    answer = REFUSED
    await underWay
    expect(await outcome(verifier)).toBe('invalid_token')
  })

  test('says what its holder should know', async () => {
    const warning = ['X-Credential-Warning', 'expires_soon; expires_at="2026-11-23T08:00:00.000Z"']
    answer = { allowed: true, identity: IDENTITY, headers: [warning] }
    expect((await verifierOf().verify(withKey())).answerHeaders).toEqual([warning])
  })
})

describe('a bad answer', () => {
  test('is kept for a second, and does not push out good ones', async () => {
    const verifier = verifierOf({ mostRemembered: 2, cacheSeconds: 10 })
    expect(await outcome(verifier)).toBe('ok')
    answer = REFUSED
    for (let n = 0; n < 10; n++)
      expect(await outcome(verifier, withKey({ authorization: `Bearer bad-${n}` }))).toBe('invalid_token')
    expect(await outcome(verifier)).toBe('ok')
    expect(questions).toHaveLength(11)
    expect(await outcome(verifier, withKey({ authorization: 'Bearer bad-9' }))).toBe('invalid_token')
    expect(questions).toHaveLength(11)
    clock += 1_000
    expect(await outcome(verifier, withKey({ authorization: 'Bearer bad-9' }))).toBe('invalid_token')
    expect(questions).toHaveLength(12)
  })

  test('becomes the answer, word for word', async () => {
    answer = REFUSED
    const refusal = await verifierOf()
      .verify(withKey())
      .catch((error: Refusal) => error)
    const response = (refusal as Refusal).toResponse()
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="one", DPoP realm="one"')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toEqual(REFUSED.response.body)
  })

  test('about a request that nobody could ask about: 400', async () => {
    const errors = [{ path: 'request.headers[0][1]', message: 'must be the value of a header' }]
    issuer.at.set('/v1/verify', { status: 400, body: { code: 'validation_failed', errors } })
    expect(await outcome(verifierOf())).toBe('invalid_request')
    expect(reported).toEqual([])
  })
})

describe('without an answer nobody is let in', () => {
  it.each<[string, () => void]>([
    ['Latchkey is down', () => issuer.down()],
    ['it fails', () => issuer.at.set('/v1/verify', { status: 500, body: {} })],
    ['the API is not allowed to ask', () => issuer.at.set('/v1/verify', { status: 403, body: {} })],
    ['the API has no token', () => issuer.at.set('/token', { status: 401, body: {} })],
    ['its token is none', () => issuer.at.set('/token', { body: { access_token: 1, expires_in: 1 } })],
    ['its token is never taken', () => issuer.at.set('/v1/verify', { status: 401, body: {} })],
    [
      'the resource is not known',
      () =>
        issuer.at.set('/v1/verify', { status: 400, body: { errors: [{ path: 'resource', message: '' }] } }),
    ],
    ['it is no JSON', () => issuer.at.set('/v1/verify', { body: '<html>' })],
    ['it is no decision', () => issuer.at.set('/v1/verify', { body: { identity: IDENTITY } })],
    [
      'allowed is a text',
      () => issuer.at.set('/v1/verify', { body: { allowed: 'true', identity: IDENTITY } }),
    ],
    ['nobody is named', () => issuer.at.set('/v1/verify', { body: { allowed: true } })],
    [
      'it is about another resource',
      () =>
        issuer.at.set('/v1/verify', {
          body: { allowed: true, identity: { ...IDENTITY, resource: 'https://stock.example.com' } },
        }),
    ],
    [
      'a refusal that is none',
      () =>
        issuer.at.set('/v1/verify', {
          body: { allowed: false, response: { ...REFUSED.response, status: 200 } },
        }),
    ],
  ])('%s', async (_, spoil) => {
    spoil()
    const verifier = verifierOf()
    const refusal = await verifier.verify(withKey()).catch((error: Refusal) => error)
    expect(refusal).toMatchObject({ status: 503, code: 'temporarily_unavailable' })
    expect((refusal as Refusal).toResponse().headers.get('retry-after')).toBe('1')
    expect(JSON.stringify((refusal as Refusal).body)).not.toContain(issuer.issuer)
    expect(reported.length).toBeGreaterThan(0)
    expect(String(reported.map(error => (error as Error).cause))).not.toContain(KEY)
  })

  test('unless an answer may be older than usual then', async () => {
    const verifier = verifierOf({ maxStaleSeconds: 30 })
    await outcome(verifier)
    issuer.down()
    clock += 31_000
    expect(await outcome(verifier)).toBe('ok')
    expect(await outcome(verifier, withKey({ authorization: 'Bearer another' }))).toBe(
      'temporarily_unavailable',
    )
    clock += 1_000
    expect(await outcome(verifier)).toBe('temporarily_unavailable')
  })

  test('but never one that was refused since', async () => {
    const verifier = verifierOf({ maxStaleSeconds: 60 })
    expect(await outcome(verifier)).toBe('ok')
    clock += 2_000
    answer = REFUSED
    expect(await outcome(verifier)).toBe('invalid_token')
    issuer.down()
    clock += 1_000
    expect(await outcome(verifier)).toBe('temporarily_unavailable')
  })
})
