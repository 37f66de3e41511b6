// One browser with many requests in flight at once, answered by two server processes whose reads take 50 ms longer than
// they do: what has ended or was replaced meanwhile must not come back, and what is made once is made once.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { prepareAdminLink } from '../../src/admin/admin-link.ts'
import type { Answer, Question } from '../http/ground.ts'
import type { Agent } from '../support/agent.ts'
import { answer, authorizationRequest } from '../support/authorization.ts'
import { formOf, postAs } from '../support/node-requests.ts'
import { ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'
import { type Cluster, startCluster } from '../support/server-process.ts'

const SCOPE = { scope: 'openid read:orders' }

let cluster: Cluster
beforeAll(async () => {
  const env = { DATABASE_POOL_SIZE: '20', LOG_LEVEL: 'warn' }
  cluster = await startCluster({ delayAfterReads: 50, env }, ordersFile)
  // So that nobody is asked later.
  const ada = cluster.agent()
  await answer(ada, await ada.get(authorizationRequest(cluster.issuer, ordersWeb, SCOPE).url))
})
afterAll(() => cluster?.close())

const cookiesOf = ({ headers }: Answer) => (headers['set-cookie'] ?? []).map(line => line.split(';')[0] ?? '')

const withCookies = (browser: Agent) => ({
  accept: 'text/html',
  cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
})

async function signedIn(): Promise<Agent> {
  const browser = cluster.agent()
  const page = await browser.get('/sign-in')
  const done = await browser.submit(page, { username: 'ada', password: PASSWORD }, { button: 'Sign in' })
  expect(done.status).toBe(303)
  return browser
}

const authorize = (browser: Agent): Question => {
  const { pathname, search } = new URL(authorizationRequest(cluster.issuer, ordersWeb, SCOPE).url)
  return { path: pathname + search, headers: withCookies(browser) }
}

/** Whether these session cookies open the account page, on either node. */
async function opens(cookie: string): Promise<boolean> {
  const asked = await cluster.together(2, () => ({
    path: '/account',
    headers: { accept: 'text/html', cookie },
  }))
  return asked.some(({ status }) => status === 200)
}

const sessionPairs = (pairs: readonly string[]) =>
  pairs.filter(pair => pair.startsWith('latchkey_session')).sort()

const liveSessions = async (uids: readonly string[]) =>
  (await cluster.db.selectFrom('session').select('uid').where('ended_at', 'is', null).execute()).filter(
    ({ uid }) => !uids.includes(uid),
  )

const knownSessions = async () =>
  (await cluster.db.selectFrom('session').select('uid').execute()).map(({ uid }) => uid)

test('a browser keeps one session row however many tabs it has', async () => {
  const before = await knownSessions()
  const browser = await signedIn()
  const answers = await cluster.together(10, () => authorize(browser))
  for (const one of answers) expect(new URL(one.headers.location ?? '').searchParams.get('code')).toBeTruthy()
  expect(await liveSessions(before)).toHaveLength(1)
  expect((await browser.get('/account')).status).toBe(200)
})

test('a browser that signs out is signed out, whatever was in flight', async () => {
  const before = await knownSessions()
  const browser = await signedIn()
  const signOut = formOf(await browser.get('/account'), 'Sign out')
  const answers = await cluster.together(13, index =>
    index === 4 ? postAs(cluster.issuer, browser, signOut.action, signOut.hidden) : authorize(browser),
  )
  expect(answers[4]?.status).toBe(303)
  expect(await liveSessions(before)).toEqual([])
  const cookies = [
    sessionPairs((withCookies(browser).cookie ?? '').split('; ')),
    ...answers.map(one => sessionPairs(cookiesOf(one))),
  ].filter(pairs => pairs.length > 0)
  for (const pairs of cookies) expect(await opens(pairs.join('; '))).toBe(false)
})

test('a browser that signs in again leaves its old cookie behind, whatever was in flight', async () => {
  const browser = await signedIn()
  const old = sessionPairs((withCookies(browser).cookie ?? '').split('; ')).join('; ')
  expect(await opens(old)).toBe(true)
  const { url } = authorizationRequest(cluster.issuer, ordersWeb, { ...SCOPE, prompt: 'login' })
  const again = formOf(await browser.follow(await browser.get(url)), 'Sign in')
  const fields = { ...again.hidden, username: 'ada', password: PASSWORD }
  const signIn = postAs(cluster.issuer, browser, again.action, fields)
  let done = false
  const [answer] = await Promise.all([
    cluster.nodes[0].ask(signIn).finally(() => {
      done = true
    }),
    ...Array.from({ length: 8 }, async (_, index) => {
      for (let round = 0; round < 50 && !done; round++)
        await cluster.nodes[index % 2 === 0 ? 0 : 1].ask(authorize(browser))
    }),
  ])
  expect(answer.status).toBe(303)
  expect(await opens(old)).toBe(false)
  expect(await opens(sessionPairs(cookiesOf(answer)).join('; '))).toBe(true)
})

test('20 uses of the first administrator’s link make one', async () => {
  const path = (await prepareAdminLink(cluster.db, cluster.keyring)) ?? ''
  const browser = cluster.agent()
  const { action, hidden } = formOf(await browser.get(path))
  const answers = await cluster.together(20, index =>
    postAs(cluster.issuer, browser, action, {
      ...hidden,
      username: `admin${index}`,
      name: 'First Admin',
      email: `person${index}@example.com`,
      password: PASSWORD,
    }),
  )
  expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
  // 503: the queue of passwords to hash was full.
  for (const { status } of answers) expect([303, 410, 503]).toContain(status)
  const admins = await cluster.db.selectFrom('account').select('username').where('admin', '=', true).execute()
  expect(admins).toHaveLength(1)
})

test('20 sign-ups with one username make one account', async () => {
  const browser = cluster.agent()
  const { action, hidden } = formOf(await browser.get('/sign-up'))
  const answers = await cluster.together(20, index =>
    postAs(cluster.issuer, browser, action, {
      ...hidden,
      username: 'grace',
      name: `Grace ${index}`,
      email: `person${index}@example.com`,
      password: PASSWORD,
    }),
  )
  expect(answers.filter(({ status }) => status === 303)).toHaveLength(1)
  for (const { status } of answers) expect([303, 422, 429, 503]).toContain(status)
  const people = await cluster.db
    .selectFrom('account')
    .select('username')
    .where('username', '=', 'grace')
    .execute()
  expect(people).toHaveLength(1)
})

test('nothing of all this was a failure of ours', () => {
  const failures = cluster.nodes.flatMap(node =>
    node
      .log()
      .split('\n')
      .filter(line => line.includes('"level":50')),
  )
  expect(failures).toEqual([])
})
