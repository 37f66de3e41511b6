// Back-channel logout (OpenID Connect Back-Channel Logout 1.0), heard by real relying parties on this machine.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { sql } from 'kysely'
import { transaction } from '../../src/db/transaction.ts'
import { joinSession } from '../../src/oidc/backchannel-logout.ts'
import type { Agent } from '../support/agent.ts'
import { sessionOf } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { type LogoutListener, startLogoutListener, verifyLogoutToken } from '../support/logout-listener.ts'
import { accountIdOf } from '../support/minted.ts'
import { ordersFile, ordersSpa, ordersWeb, PASSWORD, profileOnly } from '../support/orders.ts'
import { until } from '../support/process.ts'

let app: TestApp
let web: LogoutListener
let spa: LogoutListener

/** The example, whose web and browser applications want to hear of logouts. */
const listening = () => ({
  ...ordersFile,
  clients: ordersFile.clients.map(client => ({
    ...client,
    ...(client.client_id === 'orders-web' && {
      backchannel_logout_uri: web.uri,
      backchannel_logout_session_required: true,
    }),
    ...(client.client_id === 'orders-spa' && {
      backchannel_logout_uri: spa.uri,
      id_token_signed_response_alg: 'EdDSA',
    }),
  })),
})

beforeAll(async () => {
  web = await startLogoutListener()
  spa = await startLogoutListener('/hear?kind=logout')
  app = await startApp({ OUTBOUND_ALLOW: '127.0.0.0/8' }, listening())
  await sql`CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN NEW.run_at = 'infinity'; RETURN NEW; END $$`.execute(app.db)
  await sql`CREATE TRIGGER wait_for_the_test BEFORE UPDATE ON outbox FOR EACH ROW
    WHEN (OLD.leased_until IS NOT NULL AND NEW.leased_until IS NULL AND NEW.finished_at IS NULL)
    EXECUTE FUNCTION wait_for_the_test()`.execute(app.db)
})
afterAll(async () => {
  // First: the server waits for what it is telling them.
  await Promise.all([web, spa].map(listener => listener?.close()))
  await app?.close()
})
beforeEach(() => {
  for (const { heard, answers } of [web, spa]) {
    heard.length = 0
    answers.length = 0
  }
})

/** Signs in through the client. @returns the ID token's claims */
async function through(agent: Agent, client: typeof ordersWeb, username = 'ada') {
  const params = { scope: 'openid' }
  const { token } = await codeFlow(app.issuer, agent, client, { params, person: { username } })
  return decodeJwt<{ sid?: string; sub: string }>(token.body.id_token ?? '')
}

async function press(agent: Agent, path: string, button: string) {
  return agent.submit(await agent.get(path), {}, { button })
}
const signOut = (agent: Agent) => press(agent, '/account', 'Sign out')
const verified = (token = '', client = 'orders-web') => verifyLogoutToken(app.issuer, client, token)
const items = () => app.db.selectFrom('outbox').selectAll().orderBy('created_at', 'desc').execute()
const outcomes = () =>
  app.db
    .selectFrom('audit_event')
    .selectAll()
    .where('type', '=', 'backchannel_logout')
    .orderBy('created_at', 'desc')
    .execute()
/** Waits until the try has failed. The next one comes when the test says so: see `tryAgain`. */
async function failed(attempt: number): Promise<void> {
  await until(`try ${attempt} has failed`, async () => {
    const [item] = await items()
    return item?.attempts === attempt && item.leased_until === null
  })
}
/** @param attempts so many tries were before */
const tryAgain = (attempts?: number) =>
  sql`UPDATE outbox SET run_at = now(), attempts = coalesce(${attempts ?? null}::int, attempts)
    WHERE finished_at IS NULL`.execute(app.db)

describe('a client that took part in a session', () => {
  test.each<[string, 'PATCH' | 'DELETE', object | undefined]>([
    ['disabled', 'PATCH', { disabled: true }],
    ['deleted', 'DELETE', undefined],
  ])("hears of the end of each when the person's account is %s", async (name, method, body) => {
    const username = `somebody-${name}`
    const accounts = [
      { username, password: PASSWORD },
      { username: 'root', password: PASSWORD, admin: true },
    ]
    await app.apply({ accounts })
    const root = await sessionOf(app, 'root')
    const sids = [
      (await through(app.agent(), ordersWeb, username)).sid,
      (await through(app.agent(), ordersWeb, username)).sid,
    ]
    const id = await accountIdOf(app.db, username)
    expect((await root.call(method, `/v1/accounts/${id}`, body)).status).toBeLessThan(300)
    const tokens = await web.tokens(2)
    const claims = await Promise.all(tokens.map(async token => (await verified(token)).claims))
    expect(new Set(claims.map(({ sid }) => sid))).toEqual(new Set(sids))
    expect(claims.map(({ sub }) => sub)).toEqual([id, id])
    await until('both are in the audit', async () => (await outcomes()).length >= 2)
    await app.db.deleteFrom('audit_event').where('type', '=', 'backchannel_logout').execute()
  })

  test('gets a logout token when it ends: who, which session, nothing else', async () => {
    const agent = app.agent()
    const { sid, sub } = await through(agent, ordersWeb)
    await through(agent, profileOnly)
    await signOut(agent)
    const [token] = await web.tokens(1)
    expect(web.heard).toEqual([
      {
        method: 'POST',
        path: '/logout',
        contentType: expect.stringMatching(/^application\/x-www-form-urlencoded\b/),
        fields: { logout_token: token },
      },
    ])
    const { header, claims } = await verified(token)
    expect(header).toEqual({ alg: 'ES256', typ: 'logout+jwt', kid: expect.any(String) })
    expect(claims).toEqual({
      iss: app.issuer,
      aud: 'orders-web',
      sub,
      sid,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: (claims.iat ?? 0) + 120,
    })
    await until('it is in the audit', async () => (await outcomes()).length === 1)
    expect(await outcomes()).toMatchObject([
      {
        outcome: 'success',
        actor_type: 'system',
        subject_id: sub,
        client_id: 'orders-web',
        detail: { attempts: 1 },
      },
    ])
    expect(spa.heard).toEqual([])
  })

  test.each<[string, (agent: Agent, other: Agent) => Promise<unknown>]>([
    [
      'at /end_session',
      async agent => {
        const page = await agent.get('/end_session')
        const form = parse(page.text).forms.find(({ buttons }) => buttons.includes('Sign out'))
        return agent.post('/end_session/confirm', { ...form?.hidden, logout: 'yes' })
      },
    ],
    ['from another browser', (_agent, other) => press(other, '/account/sessions', 'End all other sessions')],
    ['everywhere, here', agent => press(agent, '/account/sessions', 'Sign out everywhere')],
    ['everywhere, elsewhere', (_agent, other) => press(other, '/account/sessions', 'Sign out everywhere')],
    [
      'because somebody else signs in',
      async agent => {
        const csrf = /name="csrf" value="([^"]+)"/.exec((await agent.get('/account')).text)?.[1] ?? ''
        return agent.post('/sign-in', { username: 'bob', password: PASSWORD, csrf })
      },
    ],
  ])('hears of an end %s', async (_name, end) => {
    const [agent, other] = [app.agent(), app.agent()]
    const { sid } = await through(agent, ordersWeb)
    await through(other, profileOnly)
    await end(agent, other)
    const [token] = await web.tokens(1)
    expect((await verified(token)).claims.sid).toBe(sid)
  })

  test('hears of its own session by its own name for it', async () => {
    const [agent, other] = [app.agent(), app.agent()]
    const first = await through(agent, ordersWeb)
    // Side by side, as tabs do: the session's document keeps what one of them wrote.
    const tabs = await Promise.all(
      [ordersWeb, ordersSpa, ordersWeb, ordersSpa].map(one => through(agent, one)),
    )
    const elsewhere = await through(other, ordersWeb)
    expect(tabs.map(({ sid }) => sid)).toEqual([first.sid, tabs[1]?.sid, first.sid, tabs[1]?.sid])
    expect(new Set([first.sid, tabs[1]?.sid, elsewhere.sid]).size).toBe(3)
    await signOut(agent)
    const [[ofWeb], [ofSpa]] = await Promise.all([web.tokens(1), spa.tokens(1)])
    expect((await verified(ofWeb)).claims.sid).toBe(first.sid)
    const heardBySpa = await verified(ofSpa, 'orders-spa')
    expect([heardBySpa.claims.sid, heardBySpa.header.alg]).toEqual([tabs[1]?.sid, 'EdDSA'])
    expect(spa.heard[0]?.path).toBe('/hear?kind=logout')
    expect([web.heard.length, spa.heard.length]).toEqual([1, 1])
    await signOut(other)
    expect((await verified((await web.tokens(2))[1])).claims.sid).toBe(elsewhere.sid)
  })

  test('is told also when nothing is left of what it was given', async () => {
    const agent = app.agent()
    await through(agent, ordersWeb)
    await app.db.deleteFrom('authorization_grant').execute()
    await signOut(agent)
    await web.tokens(1)
  })

  test('is not told when it is disabled, or does not want to hear it any more', async () => {
    const agent = app.agent()
    await through(agent, ordersWeb)
    await through(agent, ordersSpa)
    const setDisabled = (disabled_at: Date | null) =>
      app.db.updateTable('client').set({ disabled_at }).where('client_id', '=', 'orders-spa').execute()
    await setDisabled(new Date())
    web.answers.push(500)
    await signOut(agent)
    await web.tokens(1)
    await app.apply({ clients: [ordersWeb] })
    await failed(1)
    await tryAgain()
    await until('the item has ended', async () => (await items()).every(({ outcome }) => outcome === 'done'))
    await setDisabled(null)
    await app.apply(listening())
    expect([web.heard.length, spa.heard.length]).toEqual([1, 0])
  })

  test('that joins while the session ends is told, or has joined nothing', async () => {
    const node = app.database.another({ poolSize: 2 })
    const isWaiting = () =>
      until('somebody waits for a row', async () => {
        const { rows } = await sql`SELECT 1 FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(node)
        return rows.length > 0
      })
    const newest = () =>
      node
        .selectFrom('session')
        .select('uid')
        .where('ended_at', 'is', null)
        .where('account_id', 'is not', null)
        .orderBy('created_at', 'desc')
        .executeTakeFirstOrThrow()

    const agent = app.agent()
    await through(agent, profileOnly)
    const { uid } = await newest()
    let signingOut: Promise<unknown> = Promise.resolve()
    await transaction(node, async tx => {
      await joinSession(tx, uid, 'orders-web')
      signingOut = signOut(agent)
      await isWaiting()
    })
    await signingOut
    await web.tokens(1)

    const late = app.agent()
    await through(late, profileOnly)
    const { uid: ending } = await newest()
    let joining: Promise<unknown> = Promise.resolve()
    await transaction(node, async tx => {
      await sql`UPDATE session SET ended_at = clock_timestamp() WHERE uid = ${ending}`.execute(tx)
      joining = transaction(app.database.another(), other => joinSession(other, ending, 'orders-web'))
      await isWaiting()
    })
    await joining
    const joined = node.selectFrom('session_client').selectAll().where('session_uid', '=', ending)
    expect((await joined.execute()).map(({ client_id }) => client_id)).toEqual(['profile-only'])
  })
})

describe('a client that does not take it', () => {
  test('gets a new one until it does: 500 twice, then it is told', async () => {
    const agent = app.agent()
    const { sid } = await through(agent, ordersWeb)
    web.answers.push(500, 500)
    await signOut(agent)
    await failed(1)
    await tryAgain()
    await failed(2)
    await tryAgain()
    const tokens = await web.tokens(3)
    const all = await Promise.all(tokens.map(token => verified(token)))
    expect(all.map(({ claims }) => claims.sid)).toEqual([sid, sid, sid])
    expect(new Set(all.map(({ claims }) => claims.jti)).size).toBe(3)
    await until('the item has ended', async () => (await items())[0]?.outcome === 'done')
    expect((await outcomes())[0]).toMatchObject({ outcome: 'success', detail: { attempts: 3 } })
    const kept = JSON.stringify([await items(), await outcomes(), app.logLines])
    for (const token of tokens) expect(kept).not.toContain(token.slice(-40))
  })

  test.each<[string, number | 'nothing']>([
    ['sends it elsewhere', 302],
    ['calls it wrong', 400],
    ['says nothing', 'nothing'],
  ])('because it %s: it is tried again, and in the end given up', async (_name, answer) => {
    const agent = app.agent()
    const { sub } = await through(agent, ordersWeb)
    const before = (await outcomes()).length
    web.answers.push(answer, 503)
    await signOut(agent)
    await failed(1)
    const why = answer === 'nothing' ? 'The address could not be reached.' : `The client answered ${answer}.`
    expect((await items())[0]?.last_error).toBe(why)
    await tryAgain(9)
    await until('it is given up', async () => (await items())[0]?.outcome === 'failed')
    expect(web.heard.map(({ path }) => path)).toEqual(['/logout', '/logout'])
    const reason = 'The client answered 503.'
    expect((await outcomes()).slice(0, -before || undefined)).toMatchObject([
      { outcome: 'refused', subject_id: sub, client_id: 'orders-web', detail: { attempts: 10, reason } },
    ])
  })

  test('holds nobody up: neither who signs out nor other clients', async () => {
    // More than this node sends at once.
    const agents = Array.from({ length: 6 }, () => app.agent())
    for (const agent of agents) await through(agent, ordersWeb)
    for (const _ of agents) web.answers.push('nothing')
    const last = app.agent()
    await through(last, ordersWeb)
    await through(last, ordersSpa)
    for (const agent of agents) await signOut(agent)
    await signOut(last)
    await spa.tokens(1)
  })
})

test('an address on this machine hears nothing unless the operator allows it', async () => {
  // What the tests before have to tell still comes, to the others.
  const alone = await startLogoutListener()
  const closed = await startApp(
    {},
    { ...ordersFile, clients: [{ ...ordersWeb, backchannel_logout_uri: alone.uri }] },
  )
  const agent = closed.agent()
  await codeFlow(closed.issuer, agent, ordersWeb, { params: { scope: 'openid' } })
  await signOut(agent)
  const tries = () => closed.db.selectFrom('outbox').select(['attempts', 'last_error']).execute()
  await until('a try has failed', async () => (await tries())[0]?.last_error != null)
  expect(await tries()).toEqual([{ attempts: 1, last_error: 'The address could not be reached.' }])
  expect(alone.heard).toEqual([])
  await closed.close()
  await alone.close()
})
