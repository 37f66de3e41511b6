// The example API of examples/layers: each layer that is missing is named, and with all of them the caller passes.
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { basic } from '../support/answers.ts'
import { callerWith, made } from '../support/api-callers.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { createSelfSigned } from '../support/certificates.ts'
import { type Connection, type LayersApi, layersFile, startLayersApi } from '../support/layers-api.ts'
import { allKnow, bearer } from '../support/minted.ts'

const PAYMENTS = 'https://localhost:8443'
const scopes = { [PAYMENTS]: ['pay'] }
const shop = { client_id: 'shop', client_secret: 'shop-secret-for-tests-only-0123456789' }

let app: TestApp
let api: LayersApi
let key: string
const registered = createSelfSigned({ subject: '/CN=shop' })
const unknown = createSelfSigned({ subject: '/CN=shop' })
beforeAll(async () => {
  app = await startApp()
  await app.apply(layersFile(app.issuer))
  await allKnow(app)
  const setup = callerWith(app, { authorization: basic('setup', 'setup-secret-for-tests-only-0123456789') })
  const fields = { client_id: 'shop', name: 'shop', scopes }
  await made(setup, '/v1/client-certificates', { ...fields, certificate: registered.cert })
  key = String((await made(setup, '/v1/api-keys', fields)).secret)
  api = await startLayersApi(app.issuer)
})
afterAll(async () => {
  await api?.close()
  await app?.close()
})

const withKey = () => ({ 'X-API-Key': key })
const shown = (connection: Connection): Connection => ({
  cert: connection.cert ?? '',
  key: connection.key ?? '',
})

async function outcome(headers: Record<string, string>, connection?: Connection): Promise<string> {
  const { status, body } = await api.ask(headers, connection)
  return status === 200 ? `${body.paid_by} with ${body.with}` : `${status} ${body.code} ${body.missing_layer}`
}

it('the certificate and a key: passes', async () => {
  expect(await outcome(withKey(), shown(registered))).toBe('shop with api-key')
})

it('the certificate and an access token: passes', async () => {
  const params = { grant_type: 'client_credentials', resource: PAYMENTS }
  const { body } = await protocolPost(app.issuer, '/token', shop, params)
  const token = bearer(body.access_token ?? '')
  expect(await outcome(token, shown(registered))).toBe('shop with access-token')
  expect(await outcome(token)).toBe('403 missing_layer client-certificate')
})

it('no credential: 401, with the challenges of those that are taken', async () => {
  for (const connection of [undefined, shown(registered), shown(unknown)]) {
    const { status, challenge, body } = await api.ask({}, connection)
    expect([status, body.code, body.missing_layer]).toEqual([401, 'unauthenticated', 'credential'])
    expect(challenge).toContain(`Bearer realm="${app.issuer}"`)
    expect(challenge).not.toContain('Basic')
  }
})

it('a credential of a kind that is not taken: as if there were none', async () => {
  const headers = { authorization: basic(shop.client_id, shop.client_secret) }
  expect(await outcome(headers, shown(registered))).toBe('401 unauthenticated credential')
})

it('no certificate, or one that nobody has registered: 403', async () => {
  expect(await outcome(withKey())).toBe('403 missing_layer client-certificate')
  expect(await outcome(withKey(), shown(unknown))).toBe('403 missing_layer client-certificate')
})

it('a bad key is refused as everywhere, with the certificate', async () => {
  const bad = { 'X-API-Key': `${key.slice(0, -1)}!` }
  expect(await outcome(bad, shown(registered))).toBe('401 invalid_token undefined')
  expect(await outcome(bad)).toBe('403 missing_layer client-certificate')
})

it('another address: 403, whatever is shown', async () => {
  const elsewhere = { localAddress: '127.0.0.2' }
  const refused = '403 address_not_allowed address'
  expect(await outcome(withKey(), { ...shown(registered), ...elsewhere })).toBe(refused)
  expect(await outcome({}, elsewhere)).toBe(refused)
})
