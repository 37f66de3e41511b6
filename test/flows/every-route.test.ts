// What holds for every route, taken from the routers: a new one is held to it without anybody thinking of it.

import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Router } from '@koa/router'
import type { Answer } from '../http/ground.ts'
import { asking, cookieOf, countRows, expectOrderly, formQuestion } from '../support/answers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { authorizationRequest, codeFlow } from '../support/authorization.ts'
import { parse } from '../support/html.ts'
import { ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'

let app: TestApp
let cookie: string
let csrf: string
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  const agent = app.agent()
  await codeFlow(app.issuer, agent, ordersWeb)
  csrf = parse((await agent.get('/account')).text).forms[0]?.hidden.csrf ?? ''
  cookie = cookieOf(agent)
})
afterAll(() => app.close())

interface Route {
  readonly method: string
  readonly path: string
}

/** Every route of the rooms' own routers, with something in place of each parameter. */
function routes(): Route[] {
  const routers = app.app.koa.middleware.flatMap(
    middleware => (middleware as { router?: Router }).router ?? [],
  )
  return routers.flatMap(({ stack }) =>
    stack.flatMap(({ methods, path }) =>
      methods.map(method => ({ method, path: String(path).replaceAll(/:\w+/g, 'something') })),
    ),
  )
}

const isSignedIn = async () => (await asking(app)({ path: '/account', headers: { cookie } })).status === 200

test('the routers are read', () => {
  const paths = routes()
    .filter(({ method }) => method === 'POST')
    .map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining([
      '/sign-in',
      '/sign-up',
      '/sign-out',
      '/interaction/something',
      '/interaction/something/sign-up',
      '/interaction/something/switch-account',
      '/account/sessions/something/end',
      '/account/sessions/end-others',
      '/account/sessions/sign-out-everywhere',
      '/account/applications/something/withdraw',
      '/admin/first-account',
    ]),
  )
})

/** Takes JSON of people without a session: no form, and nothing that a browser sends by itself, counts there. */
const ANYBODYS = new Set(['/v1/leaks'])

describe('a post to any of them', () => {
  const fields = {
    username: 'ada',
    password: PASSWORD,
    name: 'A',
    email: 'a@example.com',
    decision: 'allow',
    token: 'x',
  }
  const attempts: [string, () => { fields?: Record<string, string>; headers: Record<string, string> }][] = [
    [
      'from another site',
      () => ({ fields: { csrf }, headers: { cookie, 'sec-fetch-site': 'cross-site', origin: app.issuer } }),
    ],
    [
      'from a sibling',
      () => ({ fields: { csrf }, headers: { cookie, 'sec-fetch-site': 'same-site', origin: app.issuer } }),
    ],
    ['from nowhere', () => ({ fields: { csrf }, headers: { cookie } })],
    ['from an origin of its own', () => ({ fields: { csrf }, headers: { cookie, origin: 'null' } })],
    ['from another port', () => ({ fields: { csrf }, headers: { cookie, origin: 'http://localhost:1' } })],
    [
      'without the token',
      () => ({ headers: { cookie, 'sec-fetch-site': 'same-origin', origin: app.issuer } }),
    ],
    [
      'with a wrong token',
      () => ({ fields: { csrf: 'x' }, headers: { cookie, 'sec-fetch-site': 'same-origin' } }),
    ],
    [
      'with the cookie for a token',
      () => ({
        fields: { csrf: /csrf=([^;]+)/.exec(cookie)?.[1] ?? '' },
        headers: { cookie, origin: app.issuer },
      }),
    ],
    [
      'with the token of another cookie',
      () => ({
        fields: { csrf },
        headers: { cookie: cookie.replace(/csrf=[^;]+/, `csrf=${'x'.repeat(43)}`), origin: app.issuer },
      }),
    ],
  ]
  test.each(attempts)('%s changes nothing', async (_name, attempt) => {
    const before = await countRows(app)
    for (const { path } of routes().filter(({ method }) => method === 'POST')) {
      const { fields: own = {}, headers } = attempt()
      const answer = await asking(app)(
        formQuestion(path, { ...fields, ...own }, { accept: 'text/html', ...headers }),
      )
      expectOrderly(answer)
      expect([path, answer.status]).toEqual([path, ANYBODYS.has(path) ? 415 : 403])
    }
    expect(await countRows(app)).toEqual(before)
    expect(await isSignedIn()).toBe(true)
  })
})

describe('every answer', () => {
  test('has the security headers and is not stored, whoever asks', async () => {
    for (const { method, path } of routes()) {
      for (const headers of [
        { accept: 'text/html' },
        { accept: 'text/html', cookie },
        { accept: 'application/json', cookie },
      ]) {
        const answer = await asking(app)({ method, path, headers })
        expectOrderly(answer)
        expect([path, answer.headers['cache-control']]).toEqual([path, 'no-store'])
      }
    }
  })

  test('of a page for people who are signed in is for nobody else', async () => {
    for (const { method, path } of routes().filter(route => /^\/(account|admin$)/.test(route.path))) {
      const answer = await asking(app)({ method, path, headers: { accept: 'text/html' } })
      expect([path, answer.status]).toEqual([path, 303])
      expect(answer.headers.location).toMatch(/^\/sign-in\?return_to=/)
    }
    // Somebody, but no administrator.
    const { status, text } = await asking(app)({ path: '/admin', headers: { cookie, accept: 'text/html' } })
    expect([status, text.includes('orders-web')]).toEqual([403, false])
  })
})

describe('cookies', () => {
  const cookiesOf = ({ headers }: Answer | { headers: IncomingHttpHeaders }) => headers['set-cookie'] ?? []

  /** Every cookie of a flow up to the answer of the sign-in form, as it is set. */
  async function flow(server: TestApp): Promise<string[]> {
    const ask = asking(server)
    const jar = new Map<string, string>()
    const all: string[] = []
    const keep = (answer: Answer) => {
      for (const one of cookiesOf(answer)) {
        all.push(one)
        jar.set(one.split('=')[0] ?? '', one.split(';')[0] ?? '')
      }
      return answer
    }
    const headers = () => ({
      cookie: [...jar.values()].join('; '),
      accept: 'text/html',
      origin: server.issuer,
    })
    const started = keep(await ask({ path: authorizationRequest('', ordersWeb).url }))
    const path = started.headers.location ?? ''
    const page = keep(await ask({ path, headers: headers() }))
    const form = parse(page.text).forms[0]
    keep(await ask(formQuestion(path, { ...form?.hidden, username: 'ada', password: PASSWORD }, headers())))
    keep(await ask({ path: '/end_session', headers: headers() }))
    return all
  }

  test('of an https issuer are Secure and prefixed, and HSTS is on', async () => {
    const server = await startApp({ ISSUER: 'https://id.example.com' }, ordersFile)
    try {
      const set = await flow(server)
      const names = new Set(set.map(one => one.split('=')[0]))
      const expected = [
        '__Host-latchkey_session',
        '__Host-latchkey_csrf',
        '__Host-latchkey_device',
        '__Secure-latchkey_interaction',
        '__Secure-latchkey_resume',
      ]
      expect([...names]).toEqual(expect.arrayContaining(expected))
      for (const one of set) {
        expect(one).toMatch(/; ?httponly/i)
        expect(one).toMatch(/; ?secure/i)
        expect(one).toMatch(/; ?samesite=lax/i)
        expect(one).not.toMatch(/; ?domain=/i)
        if (one.startsWith('__Host-')) expect(one).toMatch(/; ?path=\/(;|$)/i)
        else
          expect(one).toMatch(
            /^__Secure-latchkey_(interaction|resume).*; ?path=\/(interaction|authorize)\/[\w-]+(;|$)/i,
          )
      }
      const { headers } = await asking(server)({ path: '/sign-in' })
      expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}/)
    } finally {
      await server.close()
    }
  })

  test('of an http issuer have neither', async () => {
    const set = await flow(app)
    expect(set.length).toBeGreaterThan(4)
    for (const one of set) {
      expect(one).toMatch(/^latchkey_/)
      expect(one).toMatch(/; ?httponly/i)
      expect(one).toMatch(/; ?samesite=lax/i)
      expect(one).not.toMatch(/; ?(secure|domain=)/i)
    }
  })

  test('a session that was there before the sign-in is not the one after it', async () => {
    const victim = app.agent()
    // Planted: a session of the attacker's own browser, nobody signed in.
    const attacker = app.agent()
    await attacker.get('/end_session')
    const planted = cookieOf(attacker)
    const page = await victim.get('/sign-in')
    const fields = { ...parse(page.text).forms[0]?.hidden, username: 'ada', password: PASSWORD }
    const headers = { cookie: `${planted}; ${cookieOf(victim)}`, origin: app.issuer, accept: 'text/html' }
    const answer = await asking(app)(formQuestion('/sign-in', fields, headers))
    expect(answer.status).toBe(303)
    expect((await asking(app)({ path: '/account', headers: { cookie: planted } })).status).toBe(303)
  })
})
