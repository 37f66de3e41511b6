// /v1/accounts: shutting an account ends what it holds, deleting one forgets the person.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { cli, refusal, startWorld, type World } from '../developer/world.ts'
import { type Caller, callerWith, clientToken, made, personToken, sessionOf } from '../support/api-callers.ts'
import { accountIdOf } from '../support/minted.ts'
import { ORDERS, PASSWORD } from '../support/orders.ts'
import { storedText } from '../support/stored-text.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
  await world.app.apply({
    clients: [
      {
        ...keeper,
        organization: 'acme',
        resource_scopes: { [world.own]: ['accounts:read', 'accounts:write'] },
      },
    ],
  })
})
afterAll(() => world.app.close())

const keeper = {
  client_id: 'keeper',
  client_secret: 'keeper-secret-for-tests-only-0123456789ab',
  grant_types: ['client_credentials'],
}

interface Holder {
  readonly id: string
  readonly username: string
  readonly session: Caller
  readonly token: Caller
  readonly personal: Caller
}

let count = 0
/** Somebody with a session, a grant and a personal token. */
async function holder(more: object = {}): Promise<Holder> {
  const username = `holder-${++count}`
  await world.app.apply({
    accounts: [
      {
        username,
        name: `Private ${username}`,
        email: `${username}@private.example`,
        password: PASSWORD,
        ...more,
      },
    ],
  })
  const session = await sessionOf(world.app, username)
  const token = await personToken(world.app, cli, username, 'tokens:read')
  const { secret } = await made(session, '/v1/personal-access-tokens', {
    name: 'laptop',
    scopes: { [ORDERS]: ['read:orders'] },
  })
  const personal = callerWith(world.app, { 'x-api-key': String(secret) })
  return { id: await accountIdOf(world.app.db, username), username, session, token, personal }
}

const statusOf = async (caller: Caller) => (await caller.call('GET', '/v1/credentials/self')).status
const statuses = async ({ session, token, personal }: Holder) =>
  Promise.all([session, token, personal].map(statusOf))

const patch = (caller: Caller, id: string, disabled: boolean, query = '') =>
  caller.call('PATCH', `/v1/accounts/${id}${query}`, { disabled })

describe('the list', () => {
  it('is in pages, newest first, and can be looked through by username', async () => {
    const first = await world.root.call('GET', '/v1/accounts?limit=2')
    const { data, next_cursor: cursor } = first.json() as {
      data: { username: string }[]
      next_cursor: string
    }
    expect(data.map(({ username }) => username)).toEqual(['root', 'solo'])
    const next = await world.root.call('GET', `/v1/accounts?limit=2&cursor=${cursor}`)
    expect((next.json() as { data: object[] }).data).toMatchObject([
      { username: 'mallory' },
      { username: 'vic' },
    ])
    const found = await world.root.call('GET', '/v1/accounts?username=AD')
    expect(found.json()).toEqual({
      data: [
        {
          id: await accountIdOf(world.app.db, 'ada'),
          username: 'ada',
          name: 'Ada',
          email: 'ada@example.com',
          email_verified: false,
          admin: false,
          disabled: false,
          disabled_by: null,
          created_at: expect.any(String),
        },
      ],
      next_cursor: null,
    })
  })

  it('is for administrators, and for whom the operator has given the scope', async () => {
    for (const caller of [world.ada, world.solo, world.ci])
      expect(refusal(await caller.call('GET', '/v1/accounts'))).toMatchObject({ status: 403 })
    expect((await (await clientToken(world.app, keeper)).call('GET', '/v1/accounts')).status).toBe(200)
  })

  it('knows nothing of others', async () => {
    for (const id of ['nobody', '00000000-0000-7000-8000-000000000000'])
      for (const method of ['GET', 'PATCH', 'DELETE'])
        expect(
          refusal(
            await world.root.call(
              method,
              `/v1/accounts/${id}`,
              method === 'PATCH' ? { disabled: true } : undefined,
            ),
          ),
        ).toEqual({ status: 404, code: 'not_found' })
  })
})

describe('shut', () => {
  it('ends the session and what was allowed for good, and personal tokens until it is opened', async () => {
    const somebody = await holder()
    expect(await statuses(somebody)).toEqual([200, 200, 200])
    const answer = await patch(world.root, somebody.id, true, '?wait=all')
    expect([answer.status, answer.json()]).toEqual([
      200,
      expect.objectContaining({
        id: somebody.id,
        disabled: true,
        revoked: 1,
        nodes: { live: 1, acknowledged: 1 },
      }),
    ])
    expect(await statuses(somebody)).toEqual([401, 401, 401])
    const again = world.app.agent()
    const form = await again.get('/sign-in')
    const refused = await again.submit(
      form,
      { username: somebody.username, password: PASSWORD },
      { button: 'Sign in' },
    )
    expect(refused.status).toBe(401)
    expect((await patch(world.root, somebody.id, false)).json()).toMatchObject({ disabled: false })
    expect(await statuses(somebody)).toEqual([401, 401, 200])
    expect(await statusOf(await sessionOf(world.app, somebody.username))).toBe(200)
  })

  it('a request that was under way leaves nothing that comes back with the account', async () => {
    const somebody = await holder()
    await patch(world.root, somebody.id, true)
    // As if it had been written just after the others were ended.
    await sql`UPDATE session SET ended_at = NULL WHERE account_id = ${somebody.id}`.execute(world.app.db)
    await sql`UPDATE authorization_grant SET ended_at = NULL WHERE account_id = ${somebody.id}`.execute(
      world.app.db,
    )
    await patch(world.root, somebody.id, false)
    const alive = await sql`
      SELECT FROM session WHERE account_id = ${somebody.id} AND ended_at IS NULL
      UNION ALL SELECT FROM authorization_grant WHERE account_id = ${somebody.id} AND ended_at IS NULL
    `.execute(world.app.db)
    expect(alive.rows).toEqual([])
  })

  it('never one’s own, and an administrator’s only by an administrator', async () => {
    const root = await accountIdOf(world.app.db, 'root')
    expect(refusal(await patch(world.root, root, true))).toEqual({ status: 409, code: 'conflict' })
    expect(refusal(await world.root.call('DELETE', `/v1/accounts/${root}`))).toEqual({
      status: 409,
      code: 'conflict',
    })
    const program = await clientToken(world.app, keeper)
    expect(refusal(await patch(program, root, true))).toEqual({ status: 403, code: 'access_denied' })
    const somebody = await holder()
    expect((await patch(program, somebody.id, true)).status).toBe(200)
  })

  it('by an administrator: by nobody else opened, whoever else had shut it before', async () => {
    const [program, somebody] = [await clientToken(world.app, keeper), await holder()]
    await patch(program, somebody.id, true)
    expect((await patch(program, somebody.id, true)).json()).toMatchObject({ disabled_by: 'delegate' })
    expect((await patch(program, somebody.id, false)).json()).toMatchObject({ disabled_by: null })
    await patch(program, somebody.id, true)
    expect((await patch(world.root, somebody.id, true)).json()).toMatchObject({
      disabled_by: 'administrator',
    })
    expect((await patch(program, somebody.id, true)).json()).toMatchObject({ disabled_by: 'administrator' })
    const refused = await patch(program, somebody.id, false)
    expect([refused.status, refused.json()]).toEqual([
      403,
      expect.objectContaining({
        code: 'access_denied',
        detail: 'An administrator disabled this account. Only an administrator enables it again.',
      }),
    ])
    expect((await program.call('GET', `/v1/accounts/${somebody.id}`)).json()).toMatchObject({
      disabled: true,
    })
    expect(await statuses(somebody)).toEqual([401, 401, 401])
    await world.app.db
      .updateTable('account')
      .set({ disabled_by: null })
      .where('id', '=', somebody.id)
      .execute()
    expect((await patch(program, somebody.id, false)).status).toBe(403)
    expect((await patch(world.root, somebody.id, false)).json()).toMatchObject({ disabled: false })
  })

  it('two administrators who shut each other: one is left', async () => {
    const [one, other] = [await holder({ admin: true }), await holder({ admin: true })]
    const answers = await Promise.all([
      patch(one.session, other.id, true),
      patch(other.session, one.id, true),
    ])
    expect(answers.map(({ status }) => status).filter(status => status === 200)).toHaveLength(1)
    const left = await world.app.db
      .selectFrom('account')
      .select('id')
      .where('id', 'in', [one.id, other.id])
      .where('disabled_at', 'is', null)
      .execute()
    expect(left).toHaveLength(1)
  })
})

describe('deleted', () => {
  it('everything ends, and of the person nothing is left but the id in the audit', async () => {
    const somebody = await holder()
    const answer = await world.root.call('DELETE', `/v1/accounts/${somebody.id}?wait=all`)
    expect([answer.status, answer.json()]).toEqual([200, expect.objectContaining({ revoked: 1 })])
    expect(await statuses(somebody)).toEqual([401, 401, 401])
    expect((await world.root.call('GET', `/v1/accounts/${somebody.id}`)).status).toBe(404)
    for (const [table, text] of await storedText(world.app.db)) {
      expect({ table, named: text.includes(somebody.username) }).toEqual({ table, named: false })
    }
    const rows = await world.app.db
      .selectFrom('audit_event')
      .select('type')
      .where('subject_id', '=', somebody.id)
      .where('type', 'in', ['account_disabled', 'account_deleted'])
      .execute()
    expect(rows).toHaveLength(2)
  })

  it('the username may be taken again, by somebody else', async () => {
    const somebody = await holder()
    expect((await world.root.call('DELETE', `/v1/accounts/${somebody.id}`)).status).toBe(204)
    await world.app.apply({
      accounts: [{ username: somebody.username, name: 'Another', password: PASSWORD }],
    })
    expect(await statuses(somebody)).toEqual([401, 401, 401])
    expect(await accountIdOf(world.app.db, somebody.username)).not.toBe(somebody.id)
  })
})
