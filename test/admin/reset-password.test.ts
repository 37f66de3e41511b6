// `reset_password: true` in the declarative file: whoever was signed in with the password before is signed out.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { ordersFile, ordersWeb, PASSWORD } from '../support/orders.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'

const NEW_PASSWORD = 'another correct horse and staple'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app?.close())

const isSignedIn = async (agent: { get(path: string): Promise<{ status: number }> }) =>
  (await agent.get('/account')).status === 200

test('ends the sessions of the account, what hangs on them, and says so in the audit', async () => {
  const browser = app.agent()
  const { token } = await codeFlow(app.issuer, browser, ordersWeb)
  const another = await signedInAgent(app, 'ada')
  const bob = await signedInAgent(app, 'bob')
  expect(await Promise.all([browser, another, bob].map(isSignedIn))).toEqual([true, true, true])

  const reset = { accounts: [{ username: 'ada', password: NEW_PASSWORD, reset_password: true }] }
  await app.apply(reset)
  expect(await Promise.all([browser, another, bob].map(isSignedIn))).toEqual([false, false, true])
  const refreshed = await protocolPost(app.issuer, '/token', ordersWeb, {
    grant_type: 'refresh_token',
    refresh_token: token.body.refresh_token ?? '',
  })
  expect([refreshed.status, refreshed.body.error]).toEqual([400, 'invalid_grant'])

  const { id } = await app.db
    .selectFrom('account')
    .select('id')
    .where('username', '=', 'ada')
    .executeTakeFirstOrThrow()
  const events = await app.db
    .selectFrom('audit_event')
    .select(['type', 'actor_type', 'actor_id', 'subject_id'])
    .where('type', 'in', ['password_reset', 'session_ended'])
    .orderBy('type')
    .execute()
  const by = { actor_type: 'system', actor_id: 'configuration', subject_id: id }
  expect(events).toEqual(['password_reset', 'session_ended', 'session_ended'].map(type => ({ type, ...by })))

  const again = app.agent()
  const signIn = async (password: string) =>
    (await again.submit(await again.get('/sign-in'), { username: 'ada', password })).location
  expect(await signIn(PASSWORD)).toBeUndefined()
  expect(await signIn(NEW_PASSWORD)).toBe(`${app.issuer}/account`)
  // The next start has the same file: nobody is signed out by it.
  await app.apply(reset)
  expect(await isSignedIn(again)).toBe(true)
})
