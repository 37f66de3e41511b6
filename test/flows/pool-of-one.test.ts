// A process with one connection to the database does everything, only slower: whoever holds the connection never waits
// for somebody who needs it.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { prepareAdminLink } from '../../src/admin/admin-link.ts'
import type { Answer, Question } from '../http/ground.ts'
import { type Agent, createAgent } from '../support/agent.ts'
import { answer, authorizationRequest, redirectOf } from '../support/authorization.ts'
import { askForCodes, decide, devicesFile, enterCode, poll } from '../support/devices.ts'
import { form, formOf, postAs, tokenFrom } from '../support/node-requests.ts'
import { ordersWeb, PASSWORD } from '../support/orders.ts'
import { INITIAL_ACCESS_TOKENS, REDIRECT_URI, register, send } from '../support/registration.ts'
import { type Single, startSingle } from '../support/server-process.ts'

let single: Single
let browser: Agent
const file = { ...devicesFile, initial_access_tokens: INITIAL_ACCESS_TOKENS }
beforeAll(async () => {
  const env = { DATABASE_POOL_SIZE: '1', LOG_LEVEL: 'warn' }
  single = await startSingle(file, databaseUrl => ({ databaseUrl, env }))
  browser = createAgent(single.server.issuer)
  // So that nobody is asked later.
  redirectOf(await answer(browser, await browser.get(authorization().url)))
})
afterAll(() => single?.close())

const authorization = () =>
  authorizationRequest(single.server.issuer, ordersWeb, { scope: 'openid read:orders' })

const twenty = <T>(one: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 20 }, (_, index) => one(index)))

const ask = (question: Question) => single.server.ask(question)

const page = (path: string): Question => ({
  path,
  headers: {
    accept: 'text/html',
    cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
  },
})

test('20 code flows at once, with refresh, introspection and revocation', async () => {
  const done = await twenty(async () => {
    const { url, verifier } = authorization()
    const { pathname, search } = new URL(url)
    const redirect = new URL((await ask(page(pathname + search))).headers.location ?? '')
    const tokens = tokenFrom(
      await ask(
        form('/token', ordersWeb, {
          grant_type: 'authorization_code',
          code: redirect.searchParams.get('code') ?? '',
          redirect_uri: ordersWeb.redirect_uris?.[0] ?? '',
          code_verifier: verifier,
        }),
      ),
    )
    const { refresh_token } = tokens
    const next = tokenFrom(
      await ask(form('/token', ordersWeb, { grant_type: 'refresh_token', refresh_token })),
    )
    const active = (await ask(form('/introspect', ordersWeb, { token: next.access_token }))).json().active
    const revoked = await ask(form('/revoke', ordersWeb, { token: next.refresh_token }))
    const after = (await ask(form('/introspect', ordersWeb, { token: next.access_token }))).json().active
    return [active, revoked.status, after]
  })
  expect(done).toEqual(Array.from({ length: 20 }, () => [true, 200, false]))
})

test('20 pushed requests at once, opened by a person', async () => {
  const opened = await twenty(async () => {
    const asked = Object.fromEntries(new URL(authorization().url).searchParams)
    const { request_uri = '' } = (await ask(form('/par', ordersWeb, asked))).json()
    const query = new URLSearchParams({ client_id: ordersWeb.client_id, request_uri: String(request_uri) })
    return (await ask(page(`/authorize?${query}`))).headers.location ?? ''
  })
  expect(opened.filter(location => new URL(location).searchParams.has('code'))).toHaveLength(20)
})

test('20 clients that register, change and delete themselves at once', async () => {
  const done = await twenty(async () => {
    const { status, body } = await register(single.server)
    const { client_id, registration_client_uri: uri, registration_access_token: token } = body
    const metadata = { client_id, client_name: 'Partner', redirect_uris: [REDIRECT_URI] }
    const changed = await send(uri, 'PUT', { token, body: metadata })
    return [status, changed.status, (await send(uri, 'DELETE', { token })).status]
  })
  expect(done).toEqual(Array.from({ length: 20 }, () => [201, 200, 204]))
})

test('20 devices that one person answers', async () => {
  const asked = await twenty(() => askForCodes(single.server.issuer))
  // One by one: who enters several at once is slowed down.
  for (const { user_code } of asked) await decide(browser, await enterCode(browser, user_code), 'allow')
  const { issuer } = single.server
  const polled = await twenty(async index => (await poll(issuer, asked[index]?.device_code ?? '')).status)
  expect(polled).toEqual(Array(20).fill(200))
})

test('20 pages at once', async () => {
  const paths = ['/account', '/account/sessions', '/account/applications', '/']
  const answers = await twenty(index => ask(page(paths[index % paths.length] ?? '/')))
  expect(answers.map(({ status }: Answer) => status)).toEqual(Array(20).fill(200))
})

test('20 people who sign up at once, one of them as the first administrator', async () => {
  const { issuer } = single.server
  const newcomer = createAgent(issuer)
  const signUp = formOf(await newcomer.get('/sign-up'))
  const link = (await prepareAdminLink(single.db, single.keyring)) ?? ''
  const first = formOf(await newcomer.get(link))
  const answers = await twenty(index => {
    const { action, hidden } = index === 7 ? first : signUp
    const username = `person${index}`
    const person = { username, name: 'Somebody', email: `${username}@example.com`, password: PASSWORD }
    return ask(postAs(issuer, newcomer, action, { ...hidden, ...person }))
  })
  // 503: the queue of passwords to hash was full.
  for (const { status } of answers) expect([303, 503]).toContain(status)
  const made = await single.db
    .selectFrom('account')
    .select('id')
    .where('username', 'like', 'person%')
    .execute()
  expect(made).toHaveLength(answers.filter(({ status }) => status === 303).length)
  expect(made.length).toBeGreaterThan(0)
})
