// The database goes away: while requests are under way, between two of them, and before the start. Everything that needs
// it says 503 and means it; what was not answered with a success has not half happened; the process lives on.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import type { Answer, Question } from '../http/ground.ts'
import { type Agent, createAgent } from '../support/agent.ts'
import { answer, authorizationRequest, redirectOf } from '../support/authorization.ts'
import { type Cuttable, cuttable } from '../support/cuttable.ts'
import { exchangeFile, exchangeParams, gateway } from '../support/exchange.ts'
import { freePort } from '../support/free-port.ts'
import { makeKey } from '../support/minted.ts'
import { form, formOf, introspect, postAs, type Tokens, tokenFrom } from '../support/node-requests.ts'
import { billing, ordersWeb, PASSWORD } from '../support/orders.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import { until } from '../support/process.ts'
import { launch, type ServerProcess, type Single, startSingle } from '../support/server-process.ts'

describe('a running server', () => {
  let single: Single
  let way: Cuttable
  let server: ServerProcess
  let ada: Agent
  let tokens: Tokens

  beforeAll(async () => {
    single = await startSingle(exchangeFile, async url => {
      way = await cuttable(url)
      return { databaseUrl: way.url, env: { REFRESH_GRACE: '10m' } }
    })
    server = single.server
    ada = createAgent(server.issuer)
    tokens = tokenFrom(await server.ask(await codeRequest()))
  })
  afterAll(async () => {
    await single?.close()
    await way?.cut()
  })

  const isReady = async () => (await server.ask({ path: '/health/ready' })).status === 200

  async function codeRequest(): Promise<Question> {
    const { url, verifier } = authorizationRequest(server.issuer, ordersWeb, { scope: 'openid read:orders' })
    const redirect = redirectOf(await answer(ada, await ada.get(url)))
    return form('/token', ordersWeb, {
      grant_type: 'authorization_code',
      code: redirect.get('code') ?? '',
      redirect_uri: ordersWeb.redirect_uris?.[0] ?? '',
      code_verifier: verifier,
    })
  }

  const page = (path: string): Question => ({
    path,
    headers: {
      accept: 'text/html',
      cookie: [...ada.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    },
  })

  test('answers 503 everywhere, forgets nothing and recovers', async () => {
    const exchange = await codeRequest()
    const key = await makeKey(single)
    const exchanging = (token: string) => exchangeParams(token) as Record<string, string>
    const signOut = formOf(await ada.get('/account'), 'Sign out')
    const { url } = authorizationRequest(server.issuer, ordersWeb, { prompt: 'login' })
    const waiting = await ada.follow(await ada.get(url))
    const signIn = formOf(waiting, 'Sign in')
    const stranger = createAgent(server.issuer)
    const signUp = formOf(await stranger.get('/sign-up'))
    const bearer = { authorization: `Bearer ${tokens.access_token}` }
    const person = { username: 'ada', password: PASSWORD }
    const newcomer = { username: 'newcomer', name: 'New', email: 'new@example.com', password: PASSWORD }
    // An outage may take longer than a code lives.
    await sql`UPDATE authorization_code SET expires_at = expires_at + interval '1 hour'`.execute(single.db)

    await way.cut()
    await until('it says that it is not ready', async () => !(await isReady()))
    // Until then what is in memory is new enough to be trusted.
    await until('it no longer trusts its memory', async () =>
      JSON.stringify((await server.ask({ path: '/health/ready' })).json()).includes('"change_log":"failed"'),
    )
    expect((await server.ask({ path: '/health/live' })).status).toBe(200)

    const programs: Record<string, Question> = {
      'exchange a code': exchange,
      refresh: form('/token', ordersWeb, {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
      }),
      'client credentials': form('/token', billing, { grant_type: 'client_credentials' }),
      'exchange a token': form('/token', gateway, exchanging(tokens.access_token)),
      'exchange a key': form('/token', gateway, exchanging(key.secret)),
      introspect: form('/introspect', ordersWeb, { token: tokens.access_token }),
      'introspect a refresh token': form('/introspect', ordersWeb, { token: tokens.refresh_token }),
      revoke: form('/revoke', ordersWeb, { token: tokens.access_token }),
      'revoke the family': form('/revoke', ordersWeb, { token: tokens.refresh_token }),
      userinfo: { path: '/userinfo', headers: bearer },
    }
    for (const [what, question] of Object.entries(programs)) {
      const { status, text } = await server.ask(question)
      expect([what, status, JSON.parse(text).error]).toEqual([what, 503, 'temporarily_unavailable'])
    }
    const { pathname, search } = new URL(url)
    const pages: Record<string, Question> = {
      authorize: page(pathname + search),
      'an interaction': page(new URL(waiting.url).pathname),
      'sign in for a client': postAs(server.issuer, ada, signIn.action, { ...signIn.hidden, ...person }),
      'sign out for a client': page(`/end_session?id_token_hint=${tokens.id_token}`),
      home: page('/'),
      'sign-in': page('/sign-in'),
      'sign-up': page('/sign-up'),
      account: page('/account'),
      sessions: page('/account/sessions'),
      applications: page('/account/applications'),
      admin: page('/admin'),
      'first administrator': page('/admin/first-account?token=unknown'),
      'sign out': postAs(server.issuer, ada, signOut.action, signOut.hidden),
      'sign in': postAs(server.issuer, ada, '/sign-in', { ...signOut.hidden, ...person }),
      'sign up': postAs(server.issuer, stranger, signUp.action, { ...signUp.hidden, ...newcomer }),
    }
    for (const [what, question] of Object.entries(pages)) {
      const { status, headers, text } = await server.ask(question)
      expect([what, status]).toEqual([what, 503])
      expect([what, headers['content-type'], /Error:|\bat .*\.js/.test(text)]).toEqual([
        what,
        'text/html; charset=utf-8',
        false,
      ])
    }
    const own = await server.ask({ path: '/v1/credentials/self', headers: bearer })
    expect([own.status, own.json().code]).toEqual([503, 'temporarily_unavailable'])

    await way.mend()
    await until('it is ready again', isReady)
    // Nothing of what was refused has happened.
    expect(await introspect(server, ordersWeb, tokens.access_token)).toMatchObject({ active: true })
    expect(await introspect(server, ordersWeb, tokens.refresh_token)).toMatchObject({ active: true })
    expect((await ada.get('/account')).status).toBe(200)
    tokens = tokenFrom(await server.ask(exchange))
    const people = await single.db.selectFrom('account').select('username').execute()
    expect(people.map(({ username }) => username).sort()).toEqual(['ada', 'bob'])
  })

  test('that loses it in the middle of requests keeps all or nothing of each', async () => {
    const stranger = createAgent(server.issuer)
    const signUp = formOf(await stranger.get('/sign-up'))
    const { refresh_token } = tokens
    const questions = Array.from({ length: 16 }, (_, index) =>
      index % 4 === 0
        ? form('/token', ordersWeb, { grant_type: 'refresh_token', refresh_token })
        : postAs(server.issuer, stranger, signUp.action, {
            ...signUp.hidden,
            username: `person${index}`,
            name: 'Somebody',
            email: `person${index}@example.com`,
            password: PASSWORD,
          }),
    )
    const asked = questions.map(question => server.ask(question))
    await Promise.race(asked)
    await way.cut()
    const answers: Answer[] = await Promise.all(asked)
    await way.mend()
    await until('it is ready again', isReady)

    const failures = answers.some(({ status }) => status === 500) ? server.log().match(/.*"level":50.*/g) : []
    expect(failures).toEqual([])
    for (const { status } of answers) expect([200, 303, 503]).toContain(status)
    // An account is made together with its audit row and its known device.
    const { db } = single
    const made = await db.selectFrom('account').select('id').where('username', 'like', 'person%').execute()
    const ids = made.map(({ id }) => id)
    const audited = await db
      .selectFrom('audit_event')
      .select('actor_id')
      .where('type', '=', 'sign_up')
      .execute()
    const devices = await db.selectFrom('known_device').select('account_id').execute()
    expect(audited.map(({ actor_id }) => actor_id).sort()).toEqual([...ids].sort())
    expect(devices.filter(({ account_id }) => ids.includes(account_id))).toHaveLength(ids.length)
    expect(ids.length).toBeGreaterThanOrEqual(answers.filter(({ status }) => status === 303).length)
    // Whoever got no answer asks again and gets the successor that the others got.
    const again = tokenFrom(await server.ask(questions[0] ?? {}))
    for (const one of answers.filter(({ status }) => status === 200))
      expect(tokenFrom(one).refresh_token).toBe(again.refresh_token)
  })
})

describe('latchkey start', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
  })
  afterAll(() => database?.drop())

  test('without a database says so and fails', async () => {
    const url = new URL(database.url)
    url.host = `127.0.0.1:${await freePort()}`
    url.password = 'a-password-of-the-database'
    const server = await launch({ databaseUrl: url.href, env: { DATABASE_WAIT: '1s' } })
    const { code, stdout, stderr } = await server.finished
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(
      'latchkey: The database cannot be reached. Is DATABASE_URL right, and the server running?\n',
    )
    expect(stderr).not.toContain(url.password)
  })

  test('waits for a database that comes late', async () => {
    const way = await cuttable(database.url)
    await way.cut()
    const server = await launch({ databaseUrl: way.url })
    await until('it waits', () => server.log().includes('waiting for the database'))
    await way.mend()
    await server.ready()
    await until('it is ready', async () => (await server.ask({ path: '/health/ready' })).status === 200)
    expect((await server.end()).code).toBe(0)
    await way.cut()
  })
})
