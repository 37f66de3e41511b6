// Access tokens that are bound to a certificate (RFC 8705, section 3), at every door that judges them.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { createVerifier, Refusal } from '../../src/verifier/verifier.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createSelfSigned, type Holder } from '../support/certificates.ts'
import { BEHIND_PROXY, certifiedCodeFlow, certifiedPost, shown } from '../support/certified.ts'
import { exchangeParams, gateway } from '../support/exchange.ts'
import { CALLBACK, ORDERS, STOCK } from '../support/orders.ts'
import {
  askApp,
  askVerify,
  doorsFile,
  pairsOf,
  relayed,
  resultOf,
  verifierToken,
  warehouse,
} from '../verify/doors.ts'
import { askSelf, badCredential, outsideOf } from './kind.contract.ts'

const DAY = 86_400_000
const own = createSelfSigned()
const foreign = createSelfSigned()
const expired = createSelfSigned({
  notBefore: new Date(Date.now() - 2 * DAY),
  notAfter: new Date(Date.now() - DAY),
})

const spa = {
  client_id: 'bound-spa',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
  resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
  require_consent: false,
  tls_client_certificate_bound_access_tokens: true,
}
const cnf = { 'x5t#S256': own.thumbprint }
/** Everything but the one that it is bound to. */
const others: [string, Holder | undefined][] = [
  ['no certificate', undefined],
  ["another's", foreign],
  ['one that has expired', expired],
]

let app: TestApp
beforeAll(async () => {
  app = await startApp(BEHIND_PROXY, { ...doorsFile, clients: [...doorsFile.clients, spa, gateway] })
})
afterAll(() => app?.close())

const tokenFor = async (resource: string, scope: string) =>
  (await certifiedCodeFlow(app, own, spa, { resource, scope: `openid ${scope}` })).body.access_token ?? ''

describe.each([
  ['a JWT', ORDERS, 'read:orders', undefined],
  ['an opaque token', STOCK, 'read:stock', warehouse],
])('%s', (_format, resource, scope, server) => {
  let token: string
  let authorization: string
  beforeAll(async () => {
    token = await tokenFor(resource, scope)
    authorization = `Bearer ${token}`
  })

  it('is good at our API with its certificate, and says what it is bound to', async () => {
    const { status, json } = await askSelf(app, { authorization, ...shown(own) })
    expect([status, json().cnf]).toEqual([200, cnf])
  })

  it.each(others)('is bad at our API with %s, like any other bad token', async (_what, holder) => {
    const refused = await askSelf(app, { authorization, ...shown(holder) })
    expect(outsideOf(refused)).toEqual(badCredential(app.issuer))
  })

  const verify = async (holder: Holder | undefined, more: object = {}) => {
    const request = {
      method: 'GET',
      url: `${resource}/x`,
      headers: pairsOf({ authorization }),
      ...(holder && { client_certificate: holder.cert }),
      ...more,
    }
    const caller = server ? await verifierToken(app, server) : await verifierToken(app)
    return resultOf(await askVerify(app, caller, { request, resource, scopes: [scope] }))
  }

  it('is good at /v1/verify with the certificate that its caller saw', async () => {
    expect(await verify(own)).toMatchObject({ allowed: true, identity: { cnf } })
  })

  it.each(others)('is bad at /v1/verify with %s', async (_what, holder) => {
    expect(relayed(await verify(holder))).toMatchObject({ status: 401, code: 'invalid_token' })
  })

  it('is not proved to /v1/verify by a header, nor by the connection of its caller', async () => {
    const headers = pairsOf({ authorization, ...shown(own) })
    expect(relayed(await verify(undefined, { headers }))).toMatchObject({ status: 401 })
    const caller = { authorization: `Bearer ${await verifierToken(app, server)}`, ...shown(own) }
    const body = { request: { method: 'GET', url: '/', headers: pairsOf({ authorization }) }, resource }
    expect(relayed(resultOf(await askVerify(app, caller, body)))).toMatchObject({ status: 401 })
  })

  it('alone, without a request, is bad at /v1/verify', async () => {
    const answer = await askVerify(app, await verifierToken(app, server), { credential: token, resource })
    expect(relayed(resultOf(answer))).toMatchObject({ status: 401, code: 'invalid_token' })
  })

  it.each(others)('is exchanged for nothing with %s', async (_what, holder) => {
    const refused = await certifiedPost(app, holder, gateway, { ...exchanged(token), resource })
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_request'])
  })

  it('is exchanged for a token that is bound to the same certificate', async () => {
    const { body } = await certifiedPost(app, own, gateway, { ...exchanged(token), resource })
    const got = { authorization: `Bearer ${body.access_token}` }
    expect((await askSelf(app, { ...got, ...shown(own) })).json().cnf).toEqual(cnf)
    for (const [, holder] of others)
      expect((await askSelf(app, { ...got, ...shown(holder) })).status).toBe(401)
  })
})

const exchanged = (token: string) => exchangeParams(token) as Record<string, string>

it('the verifier judges a JWT by itself, with the certificate that it is told', async () => {
  const token = await tokenFor(ORDERS, 'read:orders')
  expect(decodeJwt(token).cnf).toEqual(cnf)
  const verifier = createVerifier({ issuer: app.issuer, resource: ORDERS, report: () => undefined })
  const request = () =>
    new Request(`${ORDERS}/orders`, { headers: { authorization: `Bearer ${token}`, ...shown(own) } })
  const outcome = async (holder?: Holder) =>
    verifier
      .verify(request(), { scopes: ['read:orders'], ...(holder && { certificate: holder.cert }) })
      .then(({ cnf: bound }) => bound)
      .catch(error => (error instanceof Refusal ? error.status : error))
  expect(await outcome(own)).toEqual(cnf)
  // A header proves nothing: only what the API was told about its connection.
  for (const [, holder] of others) expect(await outcome(holder)).toBe(401)
})

it('revoked is revoked, with the certificate too', async () => {
  const token = await tokenFor(STOCK, 'read:stock')
  await certifiedPost(app, undefined, spa, { token }, '/revoke')
  const headers = { authorization: `Bearer ${token}`, ...shown(own) }
  expect((await askApp(app, { path: '/v1/credentials/self', headers })).status).toBe(401)
})
