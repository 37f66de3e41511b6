// The browser session as a credential.
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { updateAccount } from '../../src/accounts/account.ts'
import { transaction } from '../../src/db/transaction.ts'
import type { Agent } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { billing, ordersFile, PASSWORD } from '../support/orders.ts'
import { askSelf, keepsTheContract, type Presented } from './kind.contract.ts'

const COOKIE = 'latchkey_session'

interface Session extends Presented {
  readonly agent: Agent
}

const cookieHeader = (agent: Agent) => ({
  cookie: [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
})

async function signInAs(app: TestApp, username: string): Promise<Agent> {
  const agent = app.agent()
  const page = await agent.submit(await agent.get('/sign-in'), { username, password: PASSWORD })
  expect(page.status).toBe(303)
  return agent
}

async function create(app: TestApp): Promise<Session> {
  const username = `person-${randomBytes(4).toString('hex')}`
  await app.apply({ accounts: [{ username, name: 'A Person', password: PASSWORD }] })
  const account = app.db.selectFrom('account').select('id').where('username', '=', username)
  const agent = await signInAs(app, username)
  return {
    agent,
    headers: cookieHeader(agent),
    secrets: [agent.cookies.get(COOKIE) ?? '', agent.cookies.get(`${COOKIE}.sig`) ?? ''],
    subject: { type: 'account', id: (await account.executeTakeFirstOrThrow()).id },
  }
}

const pressed = async (agent: Agent, path: string, button: string) => {
  const page = await agent.submit(await agent.get(path), {}, { button })
  expect(page.status).toBe(303)
}

keepsTheContract<Session>({
  kind: 'session',
  create,
  bad: {
    unknown: () => ({ cookie: `${COOKIE}=SByyex9qmqYFAT6oIOqx-Zf0GtF4Rw5YqWGVjVfxW6G` }),
    empty: () => ({ cookie: `${COOKIE}=` }),
    'not a text of ours': () => ({ cookie: `${COOKIE}="a b"` }),
    'one character more': (_app, { agent }) => ({ cookie: `${COOKIE}=${agent.cookies.get(COOKIE)}A` }),
    'the value of before another sign-in': async (app, { agent, headers, subject }) => {
      const { username } = await app.db
        .selectFrom('account')
        .select('username')
        .where('id', '=', subject.id)
        .executeTakeFirstOrThrow()
      const form = await agent.get('/account')
      const hidden = /name="csrf" value="([^"]+)"/.exec(form.text)?.[1] ?? ''
      await agent.post('/sign-in', { username, password: PASSWORD, csrf: hidden })
      return headers
    },
  },
  ends: {
    'signed out': (_app, { agent }) => pressed(agent, '/account', 'Sign out'),
    'ended in another browser': async (app, { subject }) => {
      const { username } = await app.db
        .selectFrom('account')
        .select('username')
        .where('id', '=', subject.id)
        .executeTakeFirstOrThrow()
      const other = await signInAs(app, username)
      const page = await other.get('/account/sessions')
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
      expect((await other.post('/account/sessions/end-others', { csrf })).status).toBe(303)
    },
    'the account disabled': (app, { subject }) =>
      transaction(app.db, tx => updateAccount(tx, subject.id, { disabled: true })),
    'run out': (app, { subject }) =>
      app.db
        .updateTable('session')
        .set({ expires_at: sql<Date>`clock_timestamp() - interval '1 minute'` })
        .where('account_id', '=', subject.id)
        .execute(),
  },
})

describe('a session beside an explicit credential', () => {
  it('does not count, whatever the other one is worth', async () => {
    const app = await startApp({}, ordersFile)
    const { headers } = await create(app)
    const { body } = await protocolPost(app.issuer, '/token', billing, { grant_type: 'client_credentials' })
    const good = await askSelf(app, { ...headers, authorization: `Bearer ${body.access_token}` })
    expect(good.json()).toMatchObject({ kind: 'access-token', client_id: 'billing' })
    const bad = await askSelf(app, { ...headers, authorization: 'Bearer nobody' })
    expect([bad.status, bad.json().code]).toEqual([401, 'invalid_token'])
    const foreign = await askSelf(app, { ...headers, authorization: 'Negotiate abc' })
    expect([foreign.status, foreign.json().code]).toEqual([401, 'unauthenticated'])
    await app.close()
  })
})
