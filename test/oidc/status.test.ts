// Who has a status, and what ends in the lists with what: grants, clients, accounts.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { updateAccount } from '../../src/accounts/account.ts'
import { setClientDisabled } from '../../src/clients/client-state.ts'
import { createSweeper } from '../../src/db/sweep.ts'
import { transaction } from '../../src/db/transaction.ts'
import { oidcSweep } from '../../src/oidc/sweep.ts'
import { ask, type Question } from '../http/ground.ts'
import type { Agent } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, type FlowClient, protocolPost } from '../support/authorization.ts'
import { askForCodes, decide, devicesFile, enterCode, poll, television } from '../support/devices.ts'
import { accountIdOf, allKnow } from '../support/minted.ts'
import { billing, ORDERS, ordersSpa, ordersWeb, profileOnly, reports, STOCK } from '../support/orders.ts'
import { batchesDuring, queriesDuring } from '../support/queries.ts'
import { readerOf } from '../support/status-reader.ts'
import { createMaker } from '../verify/minted.ts'

const temporary = {
  client_id: 'temporary',
  client_secret: 'temporary-secret-for-tests-only-0123456789ab',
  organization: 'acme',
  grant_types: ['client_credentials'],
  resource_scopes: { [ORDERS]: ['read:orders'] },
}

let app: TestApp
let ada: Agent
beforeAll(async () => {
  app = await startApp({ REFRESH_GRACE: '10m' }, devicesFile)
  ada = app.agent()
})
afterAll(() => app.close())

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
}

async function family(client: FlowClient = ordersWeb, agent = ada): Promise<Tokens> {
  const { token } = await codeFlow(app.issuer, agent, client, { params: { scope: 'openid read:orders' } })
  return token.body as unknown as Tokens
}

async function refresh({ refresh_token }: Tokens, client: FlowClient = ordersWeb): Promise<Tokens> {
  const params = { grant_type: 'refresh_token', refresh_token }
  const { status, body } = await protocolPost(app.issuer, '/token', client, params)
  expect(status).toBe(200)
  return body as unknown as Tokens
}

async function ofClient(client: FlowClient = billing): Promise<string> {
  const params = { grant_type: 'client_credentials', resource: ORDERS }
  return (await protocolPost(app.issuer, '/token', client, params)).body.access_token ?? ''
}

const statuses = (...tokens: readonly (Tokens | string)[]) => {
  const reader = readerOf(app.issuer)
  return Promise.all(tokens.map(one => reader.statusOf(typeof one === 'string' ? one : one.access_token)))
}

const revokeRefreshToken = (tokens: Tokens, client: FlowClient = ordersWeb) =>
  protocolPost(app.issuer, '/revoke', client, { token: tokens.refresh_token })

const swept = async () => {
  const sweeper = createSweeper({ db: app.db, log: app.log })
  sweeper.register(...oidcSweep)
  await sweeper.runOnce()
}

describe('the claim', () => {
  test.each([
    ['client credentials', async () => ofClient()],
    ['a code', async () => (await family()).access_token],
    ['a refresh token', async () => (await refresh(await family())).access_token],
  ])('a JWT of %s names its bit, in its id too', async (_, make) => {
    const { status, jti = '' } = decodeJwt<{ status: { status_list: { idx: number; uri: string } } }>(
      await make(),
    )
    const { idx, uri } = status.status_list
    expect(uri).toMatch(new RegExp(`^${app.issuer}/status-lists/[1-9][0-9]*$`))
    expect(jti).toMatch(/^[0-9a-f]{24}-\d+-\d+$/)
    expect(jti.split('-').slice(1)).toEqual([uri.split('/').at(-1), String(idx)])
  })

  test('an opaque token has none, and takes no index', async () => {
    const before = await indexes()
    const { token } = await codeFlow(app.issuer, ada, ordersSpa, {
      params: { scope: 'openid read:stock', resource: STOCK },
    })
    const userinfo = await codeFlow(app.issuer, ada, profileOnly, { params: { scope: 'openid' } })
    for (const { status, body } of [token, userinfo.token]) {
      expect(status).toBe(200)
      expect(body.access_token).not.toContain('.')
    }
    const params = { grant_type: 'client_credentials', resource: STOCK }
    expect((await protocolPost(app.issuer, '/token', reports, params)).body.access_token).not.toContain('.')
    expect(await indexes()).toBe(before)
  })
})

/** How many are recorded. */
async function indexes(): Promise<number> {
  const rows = await Promise.all(
    (['authorization_code', 'refresh_token', 'device_code'] as const).map(table =>
      app.db.selectFrom(table).select('status_indexes').execute(),
    ),
  )
  return rows.flat().flatMap(({ status_indexes: all }) => all ?? []).length
}

describe('the end of a grant', () => {
  test('ends the JWTs of its code, of its refresh tokens and of repeated refreshes, and no others', async () => {
    const other = await family()
    const first = await family()
    const second = await refresh(first)
    const repeated = await refresh(first)
    const third = await refresh(second)
    expect(repeated.refresh_token).toBe(second.refresh_token)
    expect(await statuses(first, second, repeated, third, other)).toEqual([0, 0, 0, 0, 0])
    await revokeRefreshToken(third)
    expect(await statuses(first, second, repeated, third, other)).toEqual([1, 1, 1, 1, 0])
    await swept()
    expect(await statuses(first, second, repeated, third, other)).toEqual([1, 1, 1, 1, 0])
  })

  test('is in the lists when a spent refresh token comes back', async () => {
    const first = await family()
    const second = await refresh(first)
    const third = await refresh(second)
    const params = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
    expect((await protocolPost(app.issuer, '/token', ordersWeb, params)).status).toBe(400)
    expect(await statuses(first, second, third)).toEqual([1, 1, 1])
  })

  test('codes that were used stay until their tokens have expired', async () => {
    const tokens = await family()
    const anHourAgo = new Date(Date.now() - 3_700_000)
    await app.db.updateTable('authorization_code').set({ expires_at: anHourAgo }).execute()
    await swept()
    await revokeRefreshToken(tokens)
    expect(await statuses(tokens)).toEqual([1])
    await app.db.updateTable('authorization_code').set({ status_until: anHourAgo }).execute()
    await swept()
    expect(await app.db.selectFrom('authorization_code').selectAll().execute()).toEqual([])
  })

  test('refresh tokens that were used just before their end stay as long as a token of theirs can live', async () => {
    const tokens = await refresh(await family())
    await revokeRefreshToken(tokens)
    const ago = (days: number) => new Date(Date.now() - days * 86_400_000)
    const { grant_id: grantId = '' } = decodeJwt<{ grant_id?: string }>(tokens.access_token)
    const age = (days: number) =>
      app.db
        .updateTable('refresh_token')
        .set({ expires_at: ago(days), consumed_at: ago(days) })
        .where('grant_id', '=', grantId)
        .where('consumed_at', 'is not', null)
        .execute()
    await age(29)
    await swept()
    await allKnow(app)
    expect(await statuses(tokens)).toEqual([1])
    await age(32)
    await swept()
    const used = app.db.selectFrom('refresh_token').where('grant_id', '=', grantId)
    expect(await used.where('consumed_at', 'is not', null).selectAll().execute()).toEqual([])
  })

  test('comes after that of its last token', async () => {
    const tokens = await family()
    const { grant_id: grantId = '' } = decodeJwt<{ grant_id?: string }>(tokens.access_token)
    const expires_at = new Date(Date.now() + 100_000)
    await app.db.updateTable('authorization_grant').set({ expires_at }).where('id', '=', grantId).execute()
    const { exp = 0 } = decodeJwt((await refresh(tokens)).access_token)
    expect(exp).toBeLessThanOrEqual(Math.floor(expires_at.getTime() / 1000))
  })

  test('of a device', async () => {
    const codes = await askForCodes(app.issuer)
    const agent = app.agent()
    await decide(agent, await enterCode(agent, codes.user_code), 'allow')
    const tokens = (await poll(app.issuer, codes.device_code)).body as unknown as Tokens
    const next = await refresh(tokens, television)
    expect(await statuses(tokens, next)).toEqual([0, 0])
    await revokeRefreshToken(next, television)
    expect(await statuses(tokens, next)).toEqual([1, 1])
  })

  test('with the browser session', async () => {
    const agent = app.agent()
    const bound = await family(ordersWeb, agent)
    const page = await agent.get('/account')
    await agent.submit(page, {}, { button: 'Sign out' })
    await allKnow(app)
    expect(await statuses(bound)).toEqual([1])
  })
})

describe('an account', () => {
  test('that is disabled ends its tokens in the lists until it is enabled', async () => {
    const agent = app.agent()
    const { token } = await codeFlow(app.issuer, agent, ordersWeb, {
      params: { scope: 'openid read:orders' },
      person: { username: 'bob' },
    })
    const his = token.body.access_token ?? ''
    const hers = await family()
    const id = await accountIdOf(app.db, 'bob')
    const disable = async (disabled: boolean) => {
      await transaction(app.db, tx => updateAccount(tx, id, { disabled }))
      await allKnow(app)
    }
    await disable(true)
    expect(await statuses(his, hers)).toEqual([1, 0])
    await disable(false)
    expect(await statuses(his, hers)).toEqual([0, 0])
  })
})

describe('a client', () => {
  const disable = async (clientId: string, disabled: boolean) => {
    await transaction(app.db, tx => setClientDisabled(tx, clientId, disabled))
    await allKnow(app)
  }

  test('that is disabled ends its tokens in the lists until it is enabled', async () => {
    const [mine, other] = [await ofClient(billing), await ofClient(reports)]
    await disable('billing', true)
    expect(await statuses(mine, other)).toEqual([1, 0])
    await disable('billing', false)
    expect(await statuses(mine, other)).toEqual([0, 0])
  })

  test('that is deleted ends them for good, however often one of its name comes and goes', async () => {
    const node = {
      issuer: app.issuer,
      ask: (question: Question) => ask({ port: app.config.port, issuer: app.issuer }, question),
    }
    const { headers } = await createMaker(node, app.agent())
    const remove = () => node.ask({ method: 'DELETE', path: `/v1/clients/${temporary.client_id}`, headers })
    await app.apply({ clients: [temporary] })
    const first = await ofClient(temporary)
    expect((await remove()).status).toBe(204)
    expect(await statuses(first)).toEqual([1])
    // The name stays ended for as long as a token of it could be alive.
    await app.apply({ clients: [temporary] })
    await allKnow(app)
    const second = await ofClient(temporary)
    expect(await statuses(first, second)).toEqual([1, 1])
    await app.db
      .updateTable('revocation')
      .set({ revoked_at: new Date(0) })
      .where('id', '=', temporary.client_id)
      .execute()
    expect((await remove()).status).toBe(204)
    expect(await statuses(first, second)).toEqual([1, 1])
  })

  test('the same for tokens of its grants', async () => {
    const tokens = await family()
    await disable('orders-web', true)
    expect(await statuses(tokens)).toEqual([1])
    await disable('orders-web', false)
    expect(await statuses(tokens)).toEqual([0])
  })
})

describe('the database is asked no more than before', () => {
  const aboutStatus = /status_list|status_block/

  test('client credentials with a warm lease: nothing at all', async () => {
    await ofClient()
    expect(await queriesDuring(() => ofClient())).toEqual([])
    // Nor does the audit, which is left out above, write for each.
    const many = 40
    const written = await batchesDuring(() => Promise.all(Array.from({ length: many }, () => ofClient())))
    expect(written.filter(text => /^\s*insert/i.test(text)).length).toBeLessThan(many / 2)
  })

  test('a code and a refresh token: the index is in the statement that uses it up', async () => {
    const { refresh_token: token } = await family()
    const asked = await queriesDuring(() => refresh({ access_token: '', refresh_token: token }))
    expect(asked.filter(text => aboutStatus.test(text))).toEqual([])
    expect(asked.filter(text => text.includes('status_indexes'))).toHaveLength(1)
    expect(asked.filter(text => /^\s*(?:with|update|insert)/i.test(text))).toHaveLength(2)
  })
})
