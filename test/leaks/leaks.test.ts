// POST /v1/leaks: what was found ends, its owner hears of it, and whoever reports it learns nothing.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createOutbox } from '../../src/db/outbox.ts'
import { createLeaks, LEAK_REPORT } from '../../src/leaks/leaks.ts'
import { createLog } from '../../src/log.ts'
import { refusal } from '../developer/world.ts'
import type { Answer } from '../http/ground.ts'
import { basic } from '../support/answers.ts'
import type { TestApp } from '../support/app.ts'
import { dump } from '../support/dump.ts'
import { startMailServer } from '../support/mail-server.ts'
import { formatMinted, makeKey, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { ORDERS } from '../support/orders.ts'
import { send } from '../support/registration.ts'
import { kinds, leakEvents, letters, report, settled, startReporting } from './found.ts'

let app: TestApp
beforeAll(async () => {
  app = await startReporting()
})
afterAll(() => app.close())

describe.each(Object.entries(kinds))('%s', (_name, { make }) => {
  it('that was found is refused when the answer has come and the report was dealt with', async () => {
    const found = await make(app)
    expect(await found.isAlive()).toBe(true)
    const answer = await report(app, { token: found.token })
    expect([answer.status, answer.json()]).toEqual([202, { received: 1 }])
    await settled(app)
    expect(await found.isAlive()).toBe(false)
  })
})

describe('the answer', () => {
  /** All that can be told apart. */
  const outside = ({ status, headers, text }: Answer) => {
    const { date: _date, 'x-request-id': _id, ...rest } = headers
    return { status, headers: rest, text }
  }

  it('is the same for what is alive, was alive, is mistyped, and is nothing', async () => {
    const { secret } = await makeKey(app)
    const first = outside(await report(app, { token: secret }))
    await settled(app)
    const { token } = await makeKey(app)
    const forged = formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id: token.id }, randomBytes(32))
    for (const one of [
      secret,
      forged,
      `${secret}x`,
      'nonsense',
      'a.b.c',
      'eyJhbGciOiJFUzI1NiJ9.e30.c2ln',
      '🔑',
    ])
      expect(outside(await report(app, { token: one }))).toEqual(first)
    const { status } = (await mintedTokensOf(app).rotate(SYSTEM, token.id)).token
    expect(status).toBe('active')
  })

  it('counts what was sent, not what was found', async () => {
    const { secret } = await makeKey(app)
    const tokens = [secret, secret, 'nonsense', ...Array.from({ length: 97 }, (_, index) => `token ${index}`)]
    const answer = await report(app, { tokens, source: 'https://paste.example/1' })
    expect([answer.status, answer.json()]).toEqual([202, { received: 100 }])
  })

  it.each<[string, unknown, string]>([
    ['nothing', {}, 'token'],
    ['both', { token: 'a', tokens: ['b'] }, 'token'],
    ['an empty text', { token: ' ' }, 'token'],
    ['too many', { tokens: Array(101).fill('x') }, 'tokens'],
    ['none', { tokens: [] }, 'tokens'],
    ['something else', { token: 'a', surprise: 1 }, 'surprise'],
    ['a place as long as a book', { token: 'a', source: 'x'.repeat(501) }, 'source'],
  ])('says what is wrong with %s', async (_name, body, path) => {
    expect(refusal(await report(app, body))).toEqual({
      status: 400,
      code: 'validation_failed',
      paths: [path],
    })
  })

  it('refuses what cannot be stored', async () => {
    expect((await report(app, { token: 'a\0b' })).status).toBe(400)
    expect((await report(app, '{"token":"\\ud800"}')).status).toBe(400)
  })
})

describe('what is written down', () => {
  it('is who it was, where it was found without the secret, and what was done; once', async () => {
    const { token, secret } = await makeKey(app)
    const source = `https://paste.example/raw?key=${secret}&again=${secret}`
    await report(app, { token: secret, source })
    await settled(app)
    await report(app, { tokens: [secret] })
    await settled(app)
    expect(await leakEvents(app, token.id)).toEqual([
      {
        type: 'credential_leaked',
        outcome: 'success',
        actor_type: 'anonymous',
        client_id: 'billing',
        address: '127.0.0.1',
        detail: {
          how: 'reported',
          last4: secret.slice(-4),
          where: 'https://paste.example/raw?key=…&again=…',
          alive: true,
          policy: 'revoke',
        },
      },
    ])
    const everything = await dump(app.database.url)
    expect([...everything].filter(([, rows]) => rows.includes(secret))).toEqual([])
    expect(app.logLines.join('\n')).not.toContain(secret)
  })

  it('of one that had ended, without another end', async () => {
    const { token, secret } = await makePersonalToken(app)
    await mintedTokensOf(app).revoke(SYSTEM, token.id)
    const before = letters(app).length
    await report(app, { token: secret })
    await settled(app)
    expect(await leakEvents(app, token.id)).toMatchObject([{ detail: { alive: false } }])
    expect(letters(app)).toHaveLength(before)
  })
})

it('a whole Basic header is read: a personal token, or a client secret as clients encode it', async () => {
  const { token, secret } = await makePersonalToken(app)
  await report(app, { token: `Authorization: ${basic('anybody', secret)}` })
  const client = { client_id: 'in-a-header', client_secret: 'a secret: 100% known to everybody, 0123456789' }
  await app.apply({ clients: [{ ...client, grant_types: ['client_credentials'] }] })
  const { id } = await app.db
    .selectFrom('client_secret')
    .select('id')
    .where('client_id', '=', client.client_id)
    .executeTakeFirstOrThrow()
  const header = basic(client.client_id, encodeURIComponent(client.client_secret))
  await report(app, { token: header.replace('Basic', 'basic') })
  await settled(app)
  expect(await leakEvents(app, token.id)).toMatchObject([{ detail: { last4: secret.slice(-4) } }])
  expect(await leakEvents(app, id)).toMatchObject([{ detail: { last4: '6789' } }])
})

it('a secret of the declarative file does not come back with it', async () => {
  const client = {
    client_id: 'from-the-file',
    client_secret: 'a-secret-that-everybody-knows-0123456789abc',
    grant_types: ['client_credentials'],
    resource_scopes: { [ORDERS]: ['read:orders'] },
  }
  await app.apply({ clients: [client] })
  await report(app, { token: client.client_secret })
  await settled(app)
  await app.apply({ clients: [client] })
  const living = () =>
    app.db
      .selectFrom('client_secret')
      .select('last4')
      .where('client_id', '=', client.client_id)
      .where('revoked_at', 'is', null)
      .execute()
  expect(await living()).toEqual([])
  await app.apply({ clients: [{ ...client, client_secret: 'another-secret-that-nobody-knows-0123456789' }] })
  expect(await living()).toEqual([{ last4: '6789' }])
})

it('administrators hear of clients that nobody else looks after, not of those that registered themselves', async () => {
  const own = await startReporting({ CLIENT_REGISTRATION: 'open' })
  const root = {
    username: 'root',
    name: 'Root',
    email: 'root@example.com',
    email_verified: true,
    password: 'a long enough pass phrase',
    admin: true,
  }
  const client = {
    client_id: 'of-nobody',
    client_secret: 'a-secret-of-a-client-of-nobody-0123456789',
    grant_types: ['client_credentials'],
    resource_scopes: { [ORDERS]: ['read:orders'] },
  }
  await own.apply({ accounts: [root], clients: [client] })
  const registered = await send(`${own.issuer}/register`, 'POST', {
    body: { client_name: 'Sign in at evil.example', redirect_uris: ['https://evil.example/callback'] },
  })
  await report(own, { tokens: [String(registered.body.client_secret), client.client_secret] })
  await settled(own)
  const events = await leakEvents(own, await secretIdOf(own, String(registered.body.client_id)))
  expect(events).toMatchObject([{ detail: { alive: true, policy: 'revoke' } }])
  expect(letters(own)).toEqual([expect.stringMatching(/^To: root@example\.com$/m)])
  expect(letters(own).join()).not.toContain('evil.example')
  await own.close()
})

async function secretIdOf({ db }: TestApp, clientId: string): Promise<string> {
  const { id } = await db
    .selectFrom('client_secret')
    .select('id')
    .where('client_id', '=', clientId)
    .executeTakeFirstOrThrow()
  return id
}

it('the letter about it leaves by SMTP', async () => {
  const server = await startMailServer()
  const own = await startReporting({ SMTP_URL: server.url })
  const { secret } = await makePersonalToken(own)
  // Two nodes, or somebody who presses the button twice.
  await Promise.all([report(own, { token: secret }), report(own, { token: secret })])
  await settled(own)
  expect(server.received.map(({ to, text }) => [to, text.includes('has been revoked')])).toEqual([
    [['ada@example.com'], true],
  ])
  expect(letters(own)).toEqual([])
  await own.close()
  await server.close()
})

it('a report outlives the process that took it', async () => {
  const { token, secret } = await makeKey(app)
  const { db, keyring, config } = app
  const log = createLog('silent')
  const deps = { config, db, keyring, log, audit: { record: async () => {}, recordLater: () => {} } }
  const mail = { queue: async () => {} }
  const failing = createLeaks({ ...deps, mail, finders: [() => Promise.reject(new Error('no database'))] })
  await failing.accept({ tokens: [secret], source: {} })
  await failing.stop()
  const waiting = await db.selectFrom('outbox').selectAll().where('topic', '=', LEAK_REPORT).execute()
  expect(waiting).toHaveLength(1)
  expect(JSON.stringify(waiting)).not.toContain(secret)
  const seen: string[] = []
  const working = createLeaks({
    ...deps,
    mail,
    finders: [
      async text => {
        seen.push(text)
        return []
      },
    ],
  })
  await db
    .updateTable('outbox')
    .set({ run_at: new Date(0) })
    .where('topic', '=', LEAK_REPORT)
    .execute()
  // Whichever of the two comes first: this one, or the server's own.
  const outbox = createOutbox({ db, log, handlers: { [LEAK_REPORT]: working.deliver } })
  await outbox.runOnce()
  await settled(app)
  const status = (
    await db.selectFrom('minted_token').select('revoked_at').where('id', '=', token.id).execute()
  )[0]
  expect(seen.includes(secret) || status?.revoked_at !== null).toBe(true)
})

it('so many in a while from one address', async () => {
  const own = await startReporting()
  const together = (count: number) =>
    Promise.all(Array.from({ length: count }, () => report(own, { token: 'nonsense' })))
  for (let round = 0; round < 5; round++)
    expect((await together(12)).map(({ status }) => status)).toEqual(Array(12).fill(202))
  const refused = await together(2)
  const slowedDown = { status: 429, code: 'rate_limited' }
  expect(refused.map(refusal)).toEqual([slowedDown, slowedDown])
  expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(0)
  await own.close()
})
