// `explain` for API keys and personal tokens: every check by name, and nothing is counted, spent or activated.
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { mint } from '../../src/secrets/minted-format.ts'
import { askSelf } from '../credentials/kind.contract.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { ORDERS, STOCK } from '../support/orders.ts'
import { askApp, askVerify, doorsFile, relayed, resultOf, verifierToken } from './doors.ts'
import { createMaker, type Maker } from './minted.ts'

let app: TestApp
let ada: Maker
let caller: string
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  ada = await createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
  caller = await verifierToken(app)
})
afterAll(() => app.close())

const SCOPES = { scopes: { [ORDERS]: ['read:orders'] } }
const CHECKS = [
  'presented',
  'shape',
  'known',
  'secret',
  'status',
  'not_before',
  'expiry',
  'owner',
  'environment',
  'audience',
  'address',
  'binding',
  'scopes',
  'rate_limit',
]

async function explain(credential: string, wanted: object = {}) {
  const asked = { credential, resource: ORDERS, scopes: ['read:orders'], explain: true, ...wanted }
  const result = resultOf(await askVerify(app, caller, asked))
  const { checks = [] } = result
  return {
    refusal: relayed(result),
    names: checks.map(({ name }) => name),
    failed: checks.filter(({ passed }) => !passed).map(({ name }) => name),
  }
}

const MAKERS: [string, (fields: object) => Promise<{ id: string; secret: string }>][] = [
  ['an API key', fields => ada.key({ ...SCOPES, ...fields })],
  ['a personal token', fields => ada.token({ ...SCOPES, ...fields })],
]

it.each(MAKERS)('%s that is allowed has passed every check', async (_name, make) => {
  const { secret } = await make({})
  expect(await explain(secret)).toEqual({ refusal: 'allowed', names: CHECKS, failed: [] })
})

it.each(MAKERS)(
  '%s with much wrong: all of it by name, and the first is the refusal',
  async (_name, make) => {
    const { secret } = await make({
      not_before: new Date(Date.now() + 86_400_000).toISOString(),
      env: 'test',
      allowed_addresses: ['192.0.2.1'],
      cnf: { jkt: 'yOBRTLmcfYWRTp9Aa0RHFjSqbAuN8M3dZ0RgkmtZJbc' },
    })
    expect(await explain(secret, { env: 'live', scopes: ['admin:orders'] })).toEqual({
      refusal: expect.objectContaining({ status: 401, code: 'invalid_token' }),
      names: CHECKS,
      failed: ['not_before', 'environment', 'address', 'binding', 'scopes'],
    })
  },
)

it('a revoked one fails at its status', async () => {
  const { secret } = await ada.key(SCOPES)
  await askApp(app, {
    method: 'DELETE',
    path: '/v1/credentials/self',
    headers: { authorization: `Bearer ${secret}` },
  })
  expect((await explain(secret)).failed).toEqual(expect.arrayContaining(['status']))
})

it('a mistyped one stops at its shape, an unknown one at known, a wrong secret at secret', async () => {
  const { id, secret } = await ada.key(SCOPES)
  expect((await explain(`${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`)).failed).toEqual([
    'shape',
  ])
  const nobodys = mint({ prefix: 'lk', env: 'live', kind: 'key' })
  expect((await explain(nobodys.token)).failed).toEqual(['known'])
  const { token } = mint({ prefix: 'lk', env: 'live', kind: 'key', id })
  expect((await explain(token)).failed).toEqual(['secret'])
})

it('counts and spends nothing: no use, no rate limit, no new secret activated', async () => {
  const { id, secret } = await ada.key({ ...SCOPES, rate_limit: { requests: 1, seconds: 3_600 } })
  for (let times = 0; times < 3; times++) expect((await explain(secret)).refusal).toBe('allowed')
  const rotated = await askApp(app, {
    method: 'POST',
    path: `/v1/api-keys/${id}/rotate`,
    headers: { ...ada.headers, 'content-type': 'application/json' },
    body: '{"grace_seconds":0}',
  })
  const fresh = String(rotated.json().secret)
  expect((await explain(fresh)).refusal).toBe('allowed')
  expect((await askSelf(app, { authorization: `Bearer ${secret}` })).status).toBe(200)
  expect((await explain(secret)).failed).toEqual(['rate_limit'])
  const { json } = await askApp(app, { path: `/v1/api-keys/${id}`, headers: ada.headers })
  expect(json()).toMatchObject({ id, last4: secret.slice(-4) })
})

it('what else it is for is not told', async () => {
  const both = await ada.token({ scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] } })
  const other = await ada.token({ scopes: { [STOCK]: ['read:stock'] } })
  for (const { secret } of [both, other]) {
    const answer = await askVerify(app, caller, { credential: secret, resource: ORDERS, explain: true })
    expect(answer.text).toContain('"audience"')
    expect(answer.text).not.toContain(STOCK)
  }
})
