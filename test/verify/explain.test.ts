// `explain`: every check by name, for what is allowed and for what is refused, and nothing is written because of it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { SignJWT } from 'jose'
import { sql } from 'kysely'
import { updateAccount } from '../../src/accounts/account.ts'
import { transaction } from '../../src/db/transaction.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { ORDERS, ordersSpa, ordersWeb, PASSWORD, STOCK } from '../support/orders.ts'
import { askVerify, doorsFile, relayed, resultOf, verifierToken, warehouse } from './doors.ts'

let app: TestApp
let ordersServer: string
let stockServer: string
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  ordersServer = await verifierToken(app)
  stockServer = await verifierToken(app, warehouse)
})
afterAll(() => app.close())

interface Persons {
  readonly token: string
  readonly cookie: string
  readonly accountId: string
}

/** A JWT of somebody nobody else uses. */
async function persons(scope = 'openid read:orders admin:orders'): Promise<Persons> {
  const username = `person-${Math.random().toString(36).slice(2)}`
  await app.apply({ accounts: [{ username, name: 'A Person', password: PASSWORD, roles: ['orders-admin'] }] })
  const agent = app.agent()
  const { token } = await codeFlow(app.issuer, agent, ordersWeb, { params: { scope }, person: { username } })
  const { id } = await app.db
    .selectFrom('account')
    .select('id')
    .where('username', '=', username)
    .executeTakeFirstOrThrow()
  const cookie = [...agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return { token: token.body.access_token ?? '', cookie, accountId: id }
}

async function explain(
  asked: object,
  { caller = ordersServer, resource = ORDERS, scopes = ['read:orders'] } = {},
) {
  const answer = await askVerify(app, caller, { ...asked, resource, scopes, explain: true })
  const result = resultOf(answer)
  const checks = result.checks ?? []
  return {
    refusal: relayed(result),
    passed: checks.filter(check => check.passed).map(({ name }) => name),
    failed: checks.filter(check => !check.passed).map(({ name }) => name),
    details: new Map(checks.map(({ name, detail }) => [name, detail])),
  }
}

const OF_A_PERSON = [
  'presented',
  'shape',
  'known',
  'revocation',
  'client',
  'account',
  'resource',
  'permission',
  'grant',
  'audience',
  'binding',
  'scopes',
]

describe('an access token', () => {
  it('that is allowed has passed every check', async () => {
    const { token } = await persons()
    const found = await explain({ credential: token })
    expect(found).toMatchObject({ refusal: 'allowed', passed: OF_A_PERSON, failed: [] })
    expect(found.details.get('scopes')).toBe('now it has: read:orders admin:orders')
  })

  it('the same for an opaque one', async () => {
    const params = { scope: 'openid read:stock', resource: STOCK }
    const { token } = await codeFlow(app.issuer, app.agent(), ordersSpa, { params })
    const stock = { caller: stockServer, resource: STOCK, scopes: ['read:stock'] }
    expect(await explain({ credential: token.body.access_token }, stock)).toMatchObject({
      refusal: 'allowed',
      passed: OF_A_PERSON,
    })
  })

  it('of a client has no account and no grant', async () => {
    const found = await explain({ credential: ordersServer }, { resource: ORDERS })
    expect(found.failed).toEqual(['audience', 'scopes'])
    expect(found.refusal).toMatchObject({ status: 403, code: 'wrong_audience' })
    expect(found.passed).not.toContain('grant')
  })

  it('that nobody knows stops there', async () => {
    for (const credential of ['nobody', 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln'])
      expect(await explain({ credential })).toMatchObject({
        refusal: { status: 401, code: 'invalid_token' },
        passed: ['presented', 'shape'],
        failed: ['known'],
      })
  })

  it('with a bad signature is not known', async () => {
    const { token } = await persons()
    expect((await explain({ credential: `${token.slice(0, -4)}AAAA` })).failed).toEqual(['known'])
    const forged = await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32))
    expect((await explain({ credential: forged })).failed).toEqual(['known'])
  })

  it('that is no token at all fails at its shape', async () => {
    expect((await explain({ credential: 'two words' })).failed).toEqual(['shape'])
  })

  it('that lacks a scope passes the rest', async () => {
    const { token } = await persons('openid read:orders')
    const found = await explain({ credential: token }, { scopes: ['read:orders', 'admin:orders'] })
    expect(found.failed).toEqual(['scopes'])
    expect(found.refusal).toMatchObject({ status: 403, code: 'insufficient_scope' })
  })

  it('that is revoked', async () => {
    const { token } = await persons()
    await protocolPost(app.issuer, '/revoke', ordersWeb, { token })
    const found = await explain({ credential: token })
    expect(found.failed).toEqual(['revocation'])
    expect(found.refusal).toMatchObject({ status: 401, code: 'invalid_token' })
  })

  it('whose session has run out', async () => {
    const { token, accountId } = await persons()
    await app.db
      .updateTable('session')
      .set({ expires_at: sql<Date>`clock_timestamp()` })
      .where('account_id', '=', accountId)
      .execute()
    expect((await explain({ credential: token })).failed).toEqual(['grant'])
  })

  it('whose account is disabled: every check that follows from it', async () => {
    const { token, accountId } = await persons()
    await transaction(app.db, tx => updateAccount(tx, accountId, { disabled: true }))
    const { failed, refusal } = await explain({ credential: token })
    expect(failed).toEqual(expect.arrayContaining(['account', 'permission', 'scopes']))
    expect(refusal).toMatchObject({ status: 401, code: 'invalid_token' })
  })
})

describe('a session', () => {
  const asRequest = (cookie: string) => ({
    request: { method: 'GET', url: '/', headers: [['cookie', cookie]] },
  })

  it('that is allowed', async () => {
    const { cookie } = await persons()
    expect(await explain(asRequest(cookie))).toMatchObject({
      refusal: 'allowed',
      passed: ['presented', 'known', 'revocation', 'audience', 'binding', 'scopes'],
      failed: [],
    })
  })

  it('that nobody knows', async () => {
    const cookie = 'latchkey_session=SByyex9qmqYFAT6oIOqx-Zf0GtF4Rw5YqWGVjVfxW6G'
    expect((await explain(asRequest(cookie))).failed).toEqual(['known'])
  })
})

describe('what was presented', () => {
  it.each<[string, string[][], string, number]>([
    ['nothing', [], 'none', 401],
    [
      'two explicit ones',
      [
        ['authorization', 'Bearer a'],
        ['authorization', 'Bearer b'],
      ],
      'more than one explicit credential',
      400,
    ],
    ['a bearer token that no kind takes', [['authorization', 'Bearer']], 'access-token', 401],
  ])('%s', async (_name, headers, detail, status) => {
    const found = await explain({ request: { method: 'GET', url: '/', headers } })
    expect(found.refusal).toMatchObject({ status })
    expect(found.details.get('presented')).toBe(detail)
    expect(found.failed.length).toBeGreaterThan(0)
  })

  it('in the address', async () => {
    const url = 'https://api.example.com/?access_token=a'
    expect((await explain({ request: { method: 'GET', url, headers: [] } })).failed).toEqual(['presented'])
  })
})

it('an explanation leaves no refusal in the audit, a decision does', async () => {
  const other = await startApp({}, doorsFile)
  const caller = await verifierToken(other)
  const ask = (explain: boolean) =>
    askVerify(other, caller, { credential: 'nobody', resource: ORDERS, explain })
  const refusals = async () =>
    (await other.db.selectFrom('audit_event').select('id').where('type', '=', 'credential_refused').execute())
      .length
  await ask(true)
  await ask(false)
  await other.app.stop()
  expect(await refusals()).toBe(1)
  await other.close()
})
