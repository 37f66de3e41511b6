// Signed requests at our own doors: the body, what is taken once, rotation, and what is left of it all.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { sql } from 'kysely'
import { createReplayMemory } from '../../src/credentials/replay.ts'
import type { Answer } from '../http/ground.ts'
import { callerWith } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { SYSTEM } from '../support/minted.ts'
import { ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { queriesDuring } from '../support/queries.ts'
import {
  contentDigest,
  type Headers,
  makeSigningKey,
  makeSigningSecret,
  nowInSeconds,
  signingSecretsOf,
  signMessage,
  signSimply,
} from '../support/signing.ts'

let app: TestApp
let signer: { id: string; secret: string }

beforeAll(async () => {
  app = await startApp({}, ordersFile)
  signer = await makeSigningSecret(app)
})
afterAll(() => app.close())

const SELF = '/v1/credentials/self'

const send = (headers: Headers, body?: string, on: Pick<TestApp, 'issuer'> = app): Promise<Answer> =>
  callerWith(on, headers).call('GET', SELF, body)

/** GET with a body is unusual, and every route reads what a signature is over. */
const signedFor = (body: string | undefined, on: Pick<TestApp, 'issuer'> = app) => ({
  message: signMessage(signer, { url: `${on.issuer}${SELF}`, body }),
  simple: signSimply(signer, { url: `${on.issuer}${SELF}`, ...(body !== undefined && { body }) }),
})

async function reasonOf(answer: Answer): Promise<unknown> {
  const requestId = String(answer.json().request_id)
  const find = () =>
    app.db.selectFrom('audit_event').select('detail').where('request_id', '=', requestId).executeTakeFirst()
  await until('the refusal is in the audit', async () => (await find()) !== undefined)
  return (await find())?.detail.reason
}

describe('the body at our own door', () => {
  it('is the one that was signed', async () => {
    const { message, simple } = signedFor('{"a":1}')
    expect((await send(message, '{"a":1}')).status).toBe(200)
    expect((await send(simple, '{"a":1}')).status).toBe(200)
  })

  it.each(['message', 'simple'] as const)('swapped under a %s signature: refused', async profile => {
    expect((await send(signedFor('{"a":1}')[profile], '{"a":2}')).status).toBe(401)
    expect((await send(signedFor('{"a":1}')[profile])).status).toBe(401)
    expect((await send(signedFor(undefined)[profile], '{"a":1}')).status).toBe(401)
  })

  it('whose digest is there and not covered: refused', async () => {
    const headers = { 'content-digest': contentDigest('{}') }
    const signed = signMessage(signer, { url: `${app.issuer}${SELF}`, headers })
    expect((await send(signed, '{}')).status).toBe(401)
  })

  it.each([
    ['of a wrong length', 'sha-256=:AAAA:'],
    ['of an algorithm that does not count', 'md5=:1B2M2Y8AsgTpgAmY7PhCfg==:'],
    ['there twice in one field', `${contentDigest('{}')}, ${contentDigest('{}')}`],
    ['of two, one of them wrong', `${contentDigest('{}')}, sha-512=:${Buffer.alloc(64).toString('base64')}:`],
    ['no structured field', 'nonsense'],
  ])('with a digest that is %s: refused', async (_what, digest) => {
    const components = ['@method', '@authority', '@path', '@query', 'content-digest']
    const headers = { 'content-digest': digest }
    const signed = signMessage(signer, { url: `${app.issuer}${SELF}`, headers }, { components })
    expect((await send(signed, '{}')).status).toBe(401)
  })

  it('that is too large: 413 once the signature is good', async () => {
    const body = 'x'.repeat(70_000)
    expect((await send(signedFor(body).message, body)).status).toBe(413)
  })
})

describe('further components', () => {
  it('are signed with their values as they came', async () => {
    const components = ['@query', '@path', 'x-order', '@authority', '@method', 'date']
    const headers = { 'x-order': 'a,  b', date: 'Tue, 20 Apr 2021 02:07:55 GMT' }
    const signed = signMessage(signer, { url: `${app.issuer}${SELF}`, headers }, { components })
    expect((await send({ ...signed, 'x-order': 'a, b' })).status).toBe(401)
    expect((await send(signed)).status).toBe(200)
  })

  it('in another order than they were signed, or fewer of them: refused', async () => {
    const one = signedFor('{}').message
    const input = one['signature-input'] ?? ''
    for (const other of [
      input.replace('"@method" "@authority"', '"@authority" "@method"'),
      input.replace(' "content-digest"', ''),
      input.replace(/nonce="/, 'nonce="x'),
      input.replace(/;created=(\d+)/, (_, time) => `;created=${Number(time) + 1}`),
    ]) {
      expect(other).not.toBe(input)
      expect((await send({ ...one, 'signature-input': other }, '{}')).status).toBe(401)
    }
    expect((await send(one, '{}')).status).toBe(200)
  })

  it('that are too many: refused', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `x-${index}`)
    const components = ['@query', '@path', '@authority', '@method', ...names]
    const headers = Object.fromEntries(names.map(name => [name, '1']))
    expect(
      (await send(signMessage(signer, { url: `${app.issuer}${SELF}`, headers }, { components }))).status,
    ).toBe(401)
  })

  it('that are not there: refused', async () => {
    const components = ['@query', '@path', '@authority', '@method', 'x-order']
    const signed = signMessage(
      signer,
      { url: `${app.issuer}${SELF}`, headers: { 'x-order': '1' } },
      { components },
    )
    expect((await send({ ...signed, 'x-order': '2' })).status).toBe(401)
    const { 'x-order': _order, ...without } = signed
    expect((await send(without)).status).toBe(401)
  })
})

describe('a signature', () => {
  it.each(['message', 'simple'] as const)('of the %s profile is taken once', async profile => {
    const signed = signedFor(undefined)[profile]
    expect([(await send(signed)).status, (await send(signed)).status]).toEqual([200, 401])
  })

  it('in other spelling is the same one', async () => {
    const { simple } = signedFor(undefined)
    expect((await send(simple)).status).toBe(200)
    const upper = { ...simple, 'x-signature': simple['x-signature']?.toUpperCase() ?? '' }
    expect((await send(upper)).status).toBe(401)
  })

  it('says in the audit why it was refused, and nothing of it to the caller', async () => {
    const { message } = signedFor(undefined)
    await send(message)
    const [replayed, wrong] = [await send(message), await send(signedFor('{}').message)]
    expect(await reasonOf(replayed)).toBe('signature used before')
    expect(await reasonOf(wrong)).toMatch(/^the body/)
  })

  it.each<[string, (headers: Headers) => Headers]>([
    ['an API key', headers => ({ ...headers, 'x-api-key': 'lk_live_key_0123456789abcdef_x' })],
    ['Basic', headers => ({ ...headers, authorization: 'Basic YTpi' })],
    ['an unknown scheme', headers => ({ ...headers, authorization: 'Hawk id="1"' })],
    ['the simple profile', headers => ({ ...headers, ...signedFor(undefined).simple })],
  ])('beside %s: ambiguous', async (_name, beside) => {
    const answer = await send(beside(signedFor(undefined).message))
    expect([answer.status, answer.json().code]).toEqual([400, 'ambiguous_credentials'])
  })

  it('is not beside a DPoP proof or a cookie in the way', async () => {
    const more = { cookie: 'latchkey_session=nobody', 'x-forwarded-for': '192.0.2.1' }
    expect((await send({ ...signedFor(undefined).message, ...more })).status).toBe(200)
  })
})

describe('any change of what was sent', () => {
  const NAMES = {
    message: ['signature-input', 'signature', 'content-digest'],
    simple: ['x-api-key', 'x-timestamp', 'x-nonce', 'x-signature'],
  } as const

  it.each(['message', 'simple'] as const)(
    'is refused, and the request as it was is taken: %s',
    async profile => {
      const body = '{"order":1}'
      const one = signedFor(body)[profile]
      const change = fc.record({
        name: fc.constantFrom(...NAMES[profile]),
        at: fc.nat(),
        character: fc.stringMatching(/^[\x21-\x7e]?$/),
      })
      await fc.assert(
        fc.asyncProperty(change, async ({ name, at, character }) => {
          const value = one[name] ?? ''
          const place = at % value.length
          const changed = value.slice(0, place) + character + value.slice(place + 1)
          // In hexadecimal digits the case does not matter.
          fc.pre(changed !== '' && changed.toLowerCase() !== value.toLowerCase())
          const answer = await send({ ...one, [name]: changed }, body)
          expect({ changed, status: answer.status }).toEqual({ changed, status: 401 })
        }),
        { numRuns: 150 },
      )
      expect((await send(one, body)).status).toBe(200)
    },
  )
})

describe('what it asks of the database', () => {
  const asked = async (headers: Headers) =>
    (await queriesDuring(() => send(headers)))
      .filter(text => !text.includes('count(*)'))
      .map(text => /^\s*(select|insert into|update)\s+"?(\w+)/i.exec(text)?.slice(1).join(' ') ?? text)

  it('when it is known: that it is remembered, once', async () => {
    await send(signedFor(undefined).message)
    expect(await asked(signedFor(undefined).message)).toEqual(['INSERT INTO replay'])
    expect(await asked(signedFor(undefined).simple)).toEqual(['INSERT INTO replay'])
  })

  it('when it is wrong or too old: nothing', async () => {
    await send(signedFor(undefined).message)
    const url = `${app.issuer}${SELF}`
    expect(await asked(signMessage({ ...signer, secret: 'wrong' }, { url }))).toEqual([])
    expect(await asked(signMessage(signer, { url }, { created: nowInSeconds() - 400 }))).toEqual([])
    expect(await asked(signMessage(signer, { url }, { components: [] }))).toEqual([])
  })
})

describe('a replaced key', () => {
  const ask1 = (key: { id: string; secret: string }, created?: number) =>
    send(signMessage(key, { url: `${app.issuer}${SELF}` }, created === undefined ? {} : { created }))

  it('works in its grace, with a warning', async () => {
    const one = await makeSigningSecret(app)
    const { secret = '' } = await signingSecretsOf(app).rotate(SYSTEM, one.id)
    expect((await ask1(one)).headers['x-credential-warning']).toBeUndefined()
    expect((await ask1({ ...one, secret })).status).toBe(200)
    const answer = await ask1(one)
    expect([answer.status, answer.headers['x-credential-warning']]).toEqual([
      200,
      expect.stringMatching(/^retired_secret; retire_at="/),
    ])
  })

  it.each([
    ['report', 'active'],
    ['quarantine', 'quarantined'],
    ['revoke', 'revoked'],
  ])('after its end: %s', async (policy, status) => {
    const other = await startApp({ RETIRED_SECRET_POLICY: policy }, ordersFile)
    try {
      const one = await makeSigningSecret(other)
      const url = `${other.issuer}${SELF}`
      const early = signMessage(one, { url }, { created: nowInSeconds() - 5 })
      const { secret = '' } = await signingSecretsOf(other).rotate(SYSTEM, one.id, { immediately: true })
      const statusNow = async () =>
        (
          await other.db
            .selectFrom('client_credential')
            .selectAll()
            .where('id', '=', one.id)
            .executeTakeFirstOrThrow()
        )[status === 'revoked' ? 'revoked_at' : 'quarantined_at']
      // What was signed while it counted says nothing of who has it now.
      expect((await send(early, undefined, other)).status).toBe(401)
      expect(await statusNow()).toBeNull()
      const late = signMessage(one, { url }, { created: nowInSeconds() + 5 })
      expect((await send(late, undefined, other)).status).toBe(401)
      expect((await statusNow()) !== null).toBe(status !== 'active')
      const now = await send(signMessage({ ...one, secret }, { url }), undefined, other)
      expect(now.status).toBe(status === 'active' ? 200 : 401)
    } finally {
      await other.close()
    }
  })
})

describe('the memory of what was shown once', () => {
  it('refuses when it is full, and forgets nothing for that', async () => {
    const small = await startApp({ REPLAY_CAPACITY: '3' }, ordersFile)
    try {
      const { secret, id } = await makeSigningSecret(small)
      const fresh = () => signMessage({ id, secret }, { url: `${small.issuer}${SELF}` })
      const shown = [fresh(), fresh(), fresh()]
      for (const one of shown) expect((await send(one, undefined, small)).status).toBe(200)
      const next = fresh()
      const full = await send(next, undefined, small)
      expect([full.status, full.json().code]).toEqual([503, 'temporarily_unavailable'])
      expect(full.headers['retry-after']).toMatch(/^\d+$/)
      for (const one of shown) expect((await send(one, undefined, small)).status).toBe(401)
      // Room again, when what is remembered has become too old.
      await sql`UPDATE replay SET expires_at = now() - interval '1 second'`.execute(small.db)
      await until('there is room again', async () => (await send(next, undefined, small)).status === 200)
    } finally {
      await small.close()
    }
  })

  it('is not filled by who is over a rate limit', async () => {
    const limited = await makeSigningSecret(app, { rateLimit: { requests: 1, seconds: 3_600 } })
    const fresh = () => signMessage(limited, { url: `${app.issuer}${SELF}` })
    await sql`DELETE FROM replay`.execute(app.db)
    expect((await send(fresh())).status).toBe(200)
    const over = fresh()
    for (const headers of [over, over, fresh()]) expect((await send(headers)).status).toBe(429)
    const { rows } = await sql`SELECT 1 FROM replay`.execute(app.db)
    expect(rows).toHaveLength(1)
  })

  it('takes nothing that is too old by the clock of the database, whatever the node believes', async () => {
    const memory = createReplayMemory({ db: app.db, capacity: 1_000 })
    const hash = createHash('sha256').update('an old signature').digest()
    expect(await memory.rememberUntil(hash, new Date(Date.now() - 1_000))).toBe(false)
    expect(await memory.isRemembered(hash)).toBe(false)
    expect(await memory.rememberUntil(hash, new Date(Date.now() + 60_000))).toBe(true)
    expect(await memory.rememberUntil(hash, new Date(Date.now() + 60_000))).toBe(false)
  })

  it('remembers for longer than a signature is taken', async () => {
    const ahead = signMessage(signer, { url: `${app.issuer}${SELF}` }, { created: nowInSeconds() + 290 })
    await sql`DELETE FROM replay`.execute(app.db)
    expect((await send(ahead)).status).toBe(200)
    const { rows } = await sql<{ seconds: number }>`
      SELECT extract(epoch FROM expires_at - clock_timestamp())::int AS seconds FROM replay
    `.execute(app.db)
    expect(rows).toEqual([{ seconds: expect.any(Number) }])
    expect(rows[0]?.seconds).toBeGreaterThan(590)
  })
})

it('a signing secret ends itself', async () => {
  const key = await makeSigningKey(app)
  const signed = (method: string) => signMessage(key, { method, url: `${app.issuer}${SELF}` })
  expect((await callerWith(app, signed('DELETE')).call('DELETE', SELF)).status).toBe(204)
  expect((await send(signed('GET'))).status).toBe(401)
})
