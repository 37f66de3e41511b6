// Who may answer for a device: the browser that has entered its code, and nobody else.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { appendChange } from '../../src/db/change-log.ts'
import { hashSecret } from '../../src/secrets/hash.ts'
import type { Agent, Page } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow } from '../support/authorization.ts'
import {
  askForCodes,
  DEVICE_GRANT,
  decide,
  devicesFile,
  enterCode,
  openDevicePage,
  poll,
} from '../support/devices.ts'
import { parse } from '../support/html.ts'
import { CALLBACK, ORDERS, PASSWORD } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { errorsOf, signedInAgent } from '../support/signed-in-agent.ts'

/** The same client in a browser and on a television. */
const both = {
  client_id: 'both',
  client_name: 'Here and there',
  client_secret: 'both-secret-for-tests-only-0123456789abcdefg',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', DEVICE_GRANT],
  resource_scopes: { [ORDERS]: ['read:orders'] },
}

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { ...devicesFile, clients: [...devicesFile.clients, both] })
})
afterAll(() => app?.close())

const pathOf = (page: Page) => new URL(page.url).pathname
const pending = async (deviceCode: string) => {
  await sql`UPDATE device_code SET polled_at = NULL`.execute(app.db)
  return (await poll(app.issuer, deviceCode)).body.error === 'authorization_pending'
}

describe('the code', () => {
  test('is asked for after the sign-in, and may come with the address', async () => {
    const { user_code, verification_uri_complete } = await askForCodes(app.issuer)
    const agent = app.agent()
    const page = await openDevicePage(agent, 'ada', verification_uri_complete)
    expect(parse(page.text).text).toContain('Go on only if your device shows exactly this code.')
    expect(page.text).toContain(`value="${user_code}"`)
    // Nothing has happened to it: opening an address is no answer.
    const stranger = await enterCode(app.agent(), user_code, 'bob')
    expect(stranger.status).toBe(200)
  })

  test.each([
    ['', 'Enter the code that your device shows.'],
    ['   ', 'Enter the code that your device shows.'],
    ['BCDF', 'A code has 8 letters.'],
    ['AAAA-EEEE', 'A code has 8 letters.'],
    ['BCDF-GHJK-LMNP', 'A code has 8 letters.'],
    ['x'.repeat(5000), 'A code has 8 letters.'],
    ['<script>alert(1)</script>', 'A code has 8 letters.'],
  ])('%j is not one, and is no try', async (typed, message) => {
    const page = await enterCode(await signedInAgent(app, 'ada'), typed)
    expect([page.status, errorsOf(page).user_code]).toEqual([422, expect.stringContaining(message)])
    expect(page.text.length).toBeLessThan(10_000)
  })

  test.each([
    ['lower case', (code: string) => code.toLowerCase()],
    ['no dash', (code: string) => code.replace('-', '')],
    ['spaces', (code: string) => ` ${[...code].join(' ')} `],
    ['another dash', (code: string) => code.replace('-', '–')],
    [
      'wide letters',
      (code: string) => code.replace(/[A-Z]/g, one => String.fromCodePoint(one.charCodeAt(0) + 0xfee0)),
    ],
  ])('is right with %s', async (_how, typed) => {
    const { user_code } = await askForCodes(app.issuer)
    const page = await enterCode(await signedInAgent(app, 'ada'), typed(user_code))
    expect([page.status, pathOf(page)]).toEqual([200, expect.stringMatching(/^\/device\/[\w-]+$/)])
  })

  test('is in no table, no page after the first, and no address but the one the device was given', async () => {
    const { user_code, device_code } = await askForCodes(app.issuer)
    const agent = app.agent()
    const question = await enterCode(agent, user_code)
    const letters = user_code.replace('-', '')
    for (const text of [question.text, question.url, ...app.logLines])
      for (const secret of [user_code, letters, device_code]) expect(text).not.toContain(secret)
    const rows = await app.db.selectFrom('device_code').selectAll().execute()
    const text = JSON.stringify(rows)
    for (const secret of [user_code, letters, device_code]) expect(text).not.toContain(secret)
    expect(rows.map(row => row.user_code_hash)).toContainEqual(hashSecret(app.keyring, letters).hash)
  })
})

describe('a code that somebody has entered', () => {
  async function entered(): Promise<{
    ada: Agent
    question: Page
    codes: { user_code: string; device_code: string }
  }> {
    const codes = await askForCodes(app.issuer)
    const ada = app.agent()
    return { ada, codes, question: await enterCode(ada, codes.user_code) }
  }

  test.each([
    ['of somebody else', 'bob'],
    ['of the same person', 'ada'],
  ])('cannot be entered, seen or answered in a browser %s', async (_whose, username) => {
    const { ada, question, codes } = await entered()
    const other = app.agent()
    const again = await enterCode(other, codes.user_code, username)
    expect([again.status, errorsOf(again).user_code]).toEqual([
      422,
      expect.stringContaining('This is not the code of a device that waits.'),
    ])
    expect((await other.get(question.url)).status).toBe(410)
    const own = parse((await other.get('/device')).text).forms[0]?.hidden ?? {}
    for (const decision of ['allow', 'deny'])
      expect((await other.post(question.url, { ...own, decision, scope: 'openid' })).status).toBe(410)
    expect(await pending(codes.device_code)).toBe(true)
    expect(pathOf(await decide(ada, question, 'allow'))).toBe(pathOf(question))
    expect((await poll(app.issuer, codes.device_code)).status).toBe(200)
  })

  test('can be entered again by the one who has', async () => {
    const { ada, question, codes } = await entered()
    const again = await enterCode(ada, codes.user_code)
    expect(pathOf(again)).toBe(pathOf(question))
  })

  test('is answered once', async () => {
    const { ada, question, codes } = await entered()
    await decide(ada, question, 'deny')
    const done = await decide(ada, question, 'allow')
    expect(parse(done.text).text).toContain('Your device is not connected')
    expect((await poll(app.issuer, codes.device_code)).body.error).toBe('access_denied')
    expect((await enterCode(ada, codes.user_code)).status).toBe(422)
  })

  test('waits for whoever signs in next in that browser, and for nobody before that', async () => {
    const { ada, question, codes } = await entered()
    const signIn = await ada.submit(question, {}, { button: 'Not Ada Lovelace? Use another account' })
    expect(pathOf(signIn)).toBe('/device/switch-account')
    const bob = app.agent()
    expect((await enterCode(bob, codes.user_code, 'bob')).status).toBe(422)
    const page = await ada.submit(signIn, { username: 'bob', password: PASSWORD }, { button: 'Sign in' })
    expect(page.location).toBe(`${app.issuer}/device`)
    expect((await ada.get(question.url)).status).toBe(410)
    const asked = await enterCode(ada, codes.user_code)
    expect(parse(asked.text).text).toContain('Signed in as Bob Bird')
  })

  test('is no more when its client is not', async () => {
    const { ada, question } = await entered()
    const disable = async (at: Date | null) => {
      await app.db
        .updateTable('client')
        .set({ disabled_at: at })
        .where('client_id', '=', 'orders-tv')
        .execute()
      await appendChange(app.db, 'client', { client_id: 'orders-tv' })
    }
    const shown = async () => (await ada.get(question.url)).status
    await disable(new Date())
    await until('the client is gone', async () => (await shown()) === 410)
    expect((await decide(ada, question, 'allow')).status).toBe(410)
    await disable(null)
    await until('the client is back', async () => (await shown()) === 200)
  })

  test('needs the form to be ours', async () => {
    const { ada, question, codes } = await entered()
    const fields = { decision: 'allow', scope: 'openid' }
    expect((await ada.post(question.url, fields)).status).toBe(403)
    const { hidden } = parse(question.text).forms.find(({ buttons }) => buttons.includes('Allow')) ?? {
      hidden: {},
    }
    const elsewhere = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    expect((await ada.post(question.url, { ...hidden, ...fields }, elsewhere)).status).toBe(403)
    expect((await ada.post(question.url, { ...hidden, decision: 'yes' })).status).toBe(400)
    expect(await pending(codes.device_code)).toBe(true)
  })
})

test('the question is asked each time, whatever was allowed before', async () => {
  const ada = app.agent()
  const scope = 'openid read:orders'
  await codeFlow(app.issuer, ada, both, { params: { scope } })
  for (let times = 0; times < 2; times++) {
    const codes = await askForCodes(app.issuer, both, { scope })
    const question = await enterCode(ada, codes.user_code)
    const { text } = parse(question.text)
    for (const told of ['Here and there', 'Know that it is you', 'See your orders'])
      expect(text).toContain(told)
    expect((await poll(app.issuer, codes.device_code, both)).body.error).toBe('authorization_pending')
    await decide(ada, question, 'allow')
    expect((await poll(app.issuer, codes.device_code, both)).status).toBe(200)
  }
})

describe('guessing', () => {
  /** As if every try had been long ago. */
  const forget = () => sql`DELETE FROM sign_in_throttle`.execute(app.db)
  /** As if every try had been a minute later, so that no wait ends during a test. */
  const hold = () =>
    sql`UPDATE sign_in_throttle SET
      tries = ARRAY(SELECT try + interval '1 minute' FROM unnest(tries) AS try ORDER BY try)`.execute(app.db)
  const guess = (agent: Agent) => enterCode(agent, 'BCDF-GHJK', 'bob')

  async function guessUntilSlowed(agent: Agent): Promise<number> {
    for (let tries = 1; tries <= 11; tries++) {
      const page = await guess(agent)
      if (page.status === 429) return tries
      expect(page.status).toBe(422)
    }
    throw new Error('eleven guesses')
  }

  test('is slowed down for the account, in whichever browser, and right codes do not make up for it', async () => {
    await forget()
    const bob = await signedInAgent(app, 'bob')
    for (let tries = 0; tries < 4; tries++) {
      expect((await guess(bob)).status).toBe(422)
      const { user_code } = await askForCodes(app.issuer)
      expect((await enterCode(bob, user_code)).status).toBe(200)
    }
    await guessUntilSlowed(bob)
    await hold()
    const slowed = await guess(await signedInAgent(app, 'bob'))
    expect(slowed.status).toBe(429)
    expect(Number(slowed.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(parse(slowed.text).text).toContain('That was too many tries.')
    // Nobody else is shut out, and bob may still sign in.
    const { user_code } = await askForCodes(app.issuer)
    expect((await enterCode(await signedInAgent(app, 'ada'), user_code)).status).toBe(200)
  })

  test('counts with wrong passwords from the same place', async () => {
    await forget()
    const ada = await signedInAgent(app, 'ada')
    const { rows } = await sql<{ tries: number }>`
      SELECT cardinality(tries) AS tries FROM sign_in_throttle
    `.execute(app.db)
    const before = rows.reduce((sum, row) => sum + row.tries, 0)
    expect((await enterCode(ada, 'BCDF-GHJK')).status).toBe(422)
    const stranger = app.agent()
    await stranger.submit(await stranger.get('/sign-in'), { username: 'nobody', password: 'wrong' })
    const { rows: after } = await sql<{ tries: number }>`
      SELECT cardinality(tries) AS tries FROM sign_in_throttle WHERE cardinality(tries) > 0 ORDER BY 1
    `.execute(app.db)
    // One for ada's codes, one for the name, and both for the place.
    expect([before, after.map(row => row.tries)]).toEqual([0, [1, 1, 2]])
  })
})

test('a refusal is in the audit, without what was typed', async () => {
  await sql`DELETE FROM sign_in_throttle`.execute(app.db)
  await enterCode(await signedInAgent(app, 'ada'), 'BCDF-GHJK')
  await app.app.stop()
  const rows = await app.db.selectFrom('audit_event').selectAll().where('type', '=', 'user_code').execute()
  expect(rows.length).toBeGreaterThan(0)
  expect(JSON.stringify(rows)).not.toMatch(/BCDF-?GHJK/)
})
