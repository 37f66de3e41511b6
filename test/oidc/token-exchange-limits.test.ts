// What holds of a subject token holds of what it was exchanged for (RFC 8693): what is taken from it later, its addresses,
// its environment, its rate limit. That it ends with it: test/flows/token-exchange.test.ts.
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { setClientDisabled } from '../../src/clients/client-state.ts'
import { transaction } from '../../src/db/transaction.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { exchange, exchangeFile } from '../support/exchange.ts'
import { allKnow, bearer, makeKey, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { billing, ORDERS, reports } from '../support/orders.ts'
import { readerOf } from '../support/status-reader.ts'
import { askApp, askVerify, resultOf, verifierToken } from '../verify/doors.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, exchangeFile)
})
afterAll(() => app.close())

const self = async (token = '') => {
  const answer = await askApp(app, { path: '/v1/credentials/self', headers: bearer(token) })
  return answer.status === 200 ? answer.json() : { status: answer.status, code: answer.json().code }
}

const introspect = async (token: string) =>
  (await protocolPost(app.issuer, '/introspect', billing, { token })).body as Record<string, unknown>

const ofReports = async () => {
  const params = { grant_type: 'client_credentials', resource: ORDERS }
  return (await protocolPost(app.issuer, '/token', reports, params)).body.access_token ?? ''
}

it('what is taken away from it later is taken from what came of it', async () => {
  const { body } = await exchange(app.issuer, await ofReports())
  expect(await self(body.access_token)).toMatchObject({ scopes: ['read:orders'] })
  await transaction(app.db, tx => setClientDisabled(tx, 'reports', true))
  await allKnow(app)
  expect(await self(body.access_token)).toMatchObject({ status: 401 })
  expect(await readerOf(app.issuer).statusOf(body.access_token ?? '')).toBe(1)
  await transaction(app.db, tx => setClientDisabled(tx, 'reports', false))
  await allKnow(app)
  expect(await self(body.access_token)).toMatchObject({ scopes: ['read:orders'] })
  expect(await readerOf(app.issuer).statusOf(body.access_token ?? '')).toBe(0)
})

it('its addresses, at the exchange and wherever the token is judged, which is here only', async () => {
  const elsewhere = await makeKey(app, { allowedAddresses: ['198.51.100.0/24'] })
  expect((await exchange(app.issuer, elsewhere.secret)).body.error).toBe('invalid_request')
  const { secret } = await makeKey(app, { allowedAddresses: ['127.0.0.0/8'] })
  const { body } = await exchange(app.issuer, secret)
  const { access_token: token = '' } = body
  expect(token).not.toContain('.')
  expect(await self(token)).toMatchObject({ subject: { id: 'billing' } })
  expect(await introspect(token)).toEqual({ active: false })
  const caller = await verifierToken(app)
  const asked = async (client_address: string) => {
    const request = {
      method: 'GET',
      url: '/',
      headers: [['Authorization', `Bearer ${token}`]],
      client_address,
    }
    return resultOf(await askVerify(app, caller, { request, resource: ORDERS }))
  }
  expect(await asked('127.0.0.1')).toMatchObject({ allowed: true })
  expect(await asked('198.51.100.7')).toMatchObject({
    allowed: false,
    response: { status: 403, body: { code: 'address_not_allowed' } },
  })
})

it('an explanation says what was checked of it and of what it came of', async () => {
  const { secret, token } = await makeKey(app)
  const { body } = await exchange(app.issuer, secret)
  const asked = { credential: body.access_token, resource: ORDERS, explain: true }
  const caller = await verifierToken(app)
  const names = (await resultOf(await askVerify(app, caller, asked))).checks?.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining(['known', 'revocation', 'client', 'origin_status', 'origin', 'scopes']),
  )
  await mintedTokensOf(app).quarantine(SYSTEM, token.id)
  const { allowed, response, checks = [] } = resultOf(await askVerify(app, caller, asked))
  expect([allowed, response?.status, response?.body.code]).toEqual([false, 401, 'invalid_token'])
  expect(checks.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['origin_status', 'origin']),
  )
})

it('its environment', async () => {
  const { secret } = await makeKey(app, { env: 'test' })
  const { body } = await exchange(app.issuer, secret)
  const credential = body.access_token
  const caller = await verifierToken(app)
  const asked = async (env: string) =>
    resultOf(await askVerify(app, caller, { credential, resource: ORDERS, env }))
  expect(await asked('test')).toMatchObject({ allowed: true, identity: { env: 'test' } })
  expect(await asked('live')).toMatchObject({ response: { body: { code: 'wrong_environment' } } })
})

it('its rate limit, over all that came of it', async () => {
  const { secret } = await makeKey(app, { rateLimit: { requests: 3, seconds: 3600 } })
  const { body } = await exchange(app.issuer, secret)
  expect(await self(body.access_token)).toMatchObject({ subject: { id: 'billing' } })
  expect(await self(body.access_token)).toMatchObject({ subject: { id: 'billing' } })
  expect(await self(body.access_token)).toEqual({ status: 429, code: 'rate_limited' })
  const again = await exchange(app.issuer, secret)
  expect(again.status).toBe(429)
  expect(again.body.error).toBe('rate_limited')
  expect(again.headers.get('retry-after')).toMatch(/^\d+$/)
})
