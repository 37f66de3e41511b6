// Requests that nobody can read in one way, at the real server: bodies, addresses, methods, cookies, names.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type Question, raw } from '../http/ground.ts'
import {
  as,
  asking,
  authorize,
  cookieOf,
  countRows,
  expectOrderly,
  formQuestion as form,
  refusing,
} from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { parse } from '../support/html.ts'
import { billing, ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'

let app: TestApp
let ask: ReturnType<typeof asking>
let refused: ReturnType<typeof refusing>
let before: Record<string, number>
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  ask = asking(app)
  refused = refusing(ask)
})
afterAll(() => app.close())
beforeEach(async () => {
  before = await countRows(app)
})
afterEach(async () => {
  expect(await countRows(app)).toEqual(before)
  await until('the server is ready', async () => (await ask({ path: '/health/ready' })).status === 200)
})

const PROTOCOL = [
  '/token',
  '/introspect',
  '/revoke',
  '/userinfo',
  '/authorize',
  '/end_session',
  '/end_session/confirm',
]
const FORMS = ['/sign-in', '/sign-up', '/sign-out', '/admin/first-account']

describe('a body', () => {
  const deep = `${'{"a":'.repeat(50)}1${'}'.repeat(50)}`
  test.each([...PROTOCOL, ...FORMS])('posted to %s that cannot be read is refused', async path => {
    const rows: [Question, number[]][] = [
      [form(path, `a=${'x'.repeat(70_000)}`), [413]],
      [form(path, 'a=%00'), [400]],
      [form(path, 'a%00=1'), [400]],
      [form(path, 'a=%ED%A0%80'), [400]],
      [form(path, 'a=%zz'), [400]],
      [form(path, Buffer.from([0x61, 0x3d, 0xff])), [400]],
      [form(path, 'a=1&'.repeat(300)), [400]],
      [form(path, 'x', { 'content-encoding': 'gzip' }), [415]],
      [form(path, 'x', { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' }), [415]],
      [form(path, deep, { 'content-type': 'application/json' }), [400, 415]],
      [form(path, '{"__proto__":1}', { 'content-type': 'application/json' }), [400, 415]],
      [form(path, '"\\u0000"', { 'content-type': 'application/json' }), [400, 415]],
      [form(path, 'x', { 'content-type': 'multipart/form-data; boundary=x' }), [400, 403, 415]],
    ]
    for (const [question, statuses] of rows) {
      const answer = await ask(question)
      expectOrderly(answer)
      expect({
        question: String(question.body).slice(0, 20),
        ok: statuses.includes(answer.status),
        status: answer.status,
      }).toMatchObject({ ok: true })
    }
  })

  test.each(['/token', '/introspect', '/revoke', '/end_session/confirm', '/userinfo'])(
    'with a parameter twice is refused at %s',
    async path => {
      for (const name of ['token', 'grant_type', 'scope', 'access_token', 'xsrf', 'client_id', '__proto__'])
        await refused(form(path, `${name}=a&${name}=b`, path === '/userinfo' ? {} : as(billing)), 400)
    },
  )

  test('that does not arrive is not waited for', async () => {
    const answers = await Promise.all(
      ['/token', '/authorize', '/sign-in'].map(path =>
        raw(
          app.config,
          `POST ${path} HTTP/1.1\r\nHost: ${new URL(app.issuer).host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\na=`,
        ),
      ),
    )
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('an address', () => {
  test.each(['%00', '%ED%A0%80', '%zz', '%ff', '%c0%80', '%'])('with %s is refused', async junk => {
    const paths = [
      '/',
      '/authorize',
      '/end_session',
      '/sign-in',
      '/account',
      '/interaction/',
      '/authorize/',
      '/assets/',
    ]
    for (const path of paths) {
      await refused({ path: `${path}${junk}` }, 400)
      await refused({ path: `${path}?client_id=${junk}` }, 400)
      await refused({ path: `${path}?${junk}=1` }, 400)
    }
  })

  test('in absolute form is ours or misdirected, and so is Host', async () => {
    expect((await ask({ path: `${app.issuer}/sign-in` })).status).toBe(200)
    for (const path of [
      'http://evil.example/authorize',
      'https://localhost/',
      'http://localhost.evil.example/',
    ])
      await refused({ path }, 421, 'misdirected_request')
    for (const host of ['evil.example', 'localhost', `${new URL(app.issuer).host}.`, 'a b', ''])
      for (const path of ['/sign-in', '/token', '/.well-known/openid-configuration', '/v1/credentials/self'])
        await refused({ path, headers: { host } }, 421)
    await refused({ path: 'ftp://localhost/' }, 400)
    await refused({ method: 'OPTIONS', path: '*' }, 400)
  })

  test('is spelled in one way: the provider has no other doors', async () => {
    for (const path of PROTOCOL)
      for (const other of [`${path}/`, path.toUpperCase(), `/.${path}`, `//${path.slice(1)}`])
        await refused(form(other, 'grant_type=client_credentials', as(billing)), 404)
    await refused({ path: '/assets/..%2f..%2fpackage.json' }, 404)
  })

  test.each(['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'])(
    'does not take %s, nor that method by other names',
    async method => {
      for (const path of [
        ...PROTOCOL,
        ...FORMS,
        '/jwks',
        '/account',
        '/interaction/x',
        '/.well-known/openid-configuration',
      ]) {
        const answer = await ask({ method, path })
        expectOrderly(answer)
        expect([path, answer.status, answer.headers.allow !== undefined]).toEqual([path, 405, true])
      }
      const override = { 'x-http-method-override': method, 'x-method-override': method }
      expect((await ask({ path: `/account?_method=${method}`, headers: override })).status).toBe(303)
    },
  )
})

describe('cookies', () => {
  test.each([
    'latchkey_session=x',
    'latchkey_session=x; latchkey_session.sig=y',
    'latchkey_session=%00; latchkey_device=%00; latchkey_csrf=%00',
    'latchkey_session="; latchkey_session.sig="',
    'latchkey_session=\xff\xfe; latchkey_interaction=\xff',
    'latchkey_interaction=x; latchkey_interaction.sig=x; latchkey_resume=x; latchkey_resume.sig=x',
    `latchkey_session=${'x'.repeat(20_000)}`,
    '__proto__=x; constructor=y; =;=;;',
  ])('%s mean nobody', async cookie => {
    const headers = { cookie, accept: 'text/html' }
    expect((await ask({ path: '/account', headers })).headers.location).toBe('/sign-in?return_to=%2Faccount')
    for (const path of ['/', '/sign-in']) {
      const answer = await ask({ path, headers })
      expectOrderly(answer)
      expect([answer.status, answer.text.includes('Sign out')]).toEqual([200, false])
    }
    await refused({ path: '/interaction/x', headers }, 400)
    await refused({ path: '/authorize/x', headers }, 400)
    expect((await ask({ path: '/v1/credentials/self', headers })).status).toBe(401)
    expectOrderly(await ask(authorize({})))
  })

  test('too many of them are refused', async () => {
    const { status } = await ask({ path: '/sign-in', headers: { cookie: `a=${'x'.repeat(40_000)}` } })
    expect(status).toBe(431)
  })
})

describe('the sign-in form', () => {
  test.each(['__proto__', "' OR 1=1 --", 'a\nb', 'x'.repeat(60_000), '\u202e', '<script>alert(1)</script>'])(
    'takes %s for a name that nobody has',
    async username => {
      const agent = app.agent()
      const { hidden } = parse((await agent.get('/sign-in')).text).forms[0] ?? {}
      const headers = { cookie: cookieOf(agent), origin: app.issuer, accept: 'text/html' }
      const answer = await ask(form('/sign-in', { ...hidden, username, password: 'wrong but long' }, headers))
      expect(answer.status).toBe(401)
      expect(answer.text).not.toContain('<script>alert')
      expect(answer.headers['set-cookie']).toBeUndefined()
    },
  )
})
