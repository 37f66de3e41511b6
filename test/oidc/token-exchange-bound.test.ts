// Token exchange with subject tokens that are bound to a key or a certificate: they need their proof, and what comes of
// them is bound to the same; an unbound one is bound to what the client has shown.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost, type TokenResponse } from '../support/authorization.ts'
import { boundTokenPost, nonceOf, showBound } from '../support/bound-tokens.ts'
import { createSelfSigned, type Holder } from '../support/certificates.ts'
import { BEHIND_PROXY, certifiedPost, shown } from '../support/certified.ts'
import { type ProofKey, proofKey } from '../support/dpop.ts'
import { exchange, exchangeFile, exchangeParams, gateway } from '../support/exchange.ts'
import { allKnow, makeKey } from '../support/minted.ts'
import { billing, ORDERS } from '../support/orders.ts'
import { askApp } from '../verify/doors.ts'

const BAD = { error: 'invalid_request', error_description: 'subject_token is not valid' }
const day = 86_400_000
const card = createSelfSigned({ subject: '/CN=gateway' })
const another = createSelfSigned({ subject: '/CN=gateway' })
const expired = createSelfSigned({
  notBefore: new Date(Date.now() - 2 * day),
  notAfter: new Date(Date.now() - day),
})
const certified = {
  ...gateway,
  client_id: 'certified-gateway',
  tls_client_certificate_bound_access_tokens: true,
}

let app: TestApp
let key: ProofKey
let stranger: ProofKey
beforeAll(async () => {
  app = await startApp(BEHIND_PROXY, { ...exchangeFile, clients: [...exchangeFile.clients, certified] })
  key = await proofKey()
  stranger = await proofKey()
})
afterAll(() => app?.close())

const self = async (headers: Record<string, string>) => {
  const answer = await askApp(app, { path: '/v1/credentials/self', headers })
  return answer.status === 200 ? answer.json() : { status: answer.status, code: answer.json().code }
}

const bearer = (token = '') => ({ authorization: `Bearer ${token}` })
const cnfOf = ({ body }: TokenResponse) => decodeJwt(body.access_token ?? '').cnf

/** With a proof by `by`. */
const proved = (token: string, by: ProofKey, client = gateway) =>
  boundTokenPost(app, client, by, exchangeParams(token) as Record<string, string>)

describe('a key of DPoP', () => {
  const boundToken = async () => {
    const params = { grant_type: 'client_credentials', resource: ORDERS }
    return (await boundTokenPost(app, billing, key, params)).body.access_token ?? ''
  }
  const boundKey = async () => (await makeKey(app, { cnf: { jkt: key.jkt } })).secret

  it.each([
    ['an access token', boundToken],
    ['an API key', boundKey],
  ])('%s needs its proof, and stays bound', async (_, make) => {
    const subject = await make()
    expect((await exchange(app.issuer, subject)).body).toEqual(BAD)
    expect((await proved(subject, stranger)).body).toEqual(BAD)
    const given = await proved(subject, key)
    expect(given).toMatchObject({ status: 200, body: { token_type: 'DPoP' } })
    expect(cnfOf(given)).toEqual({ jkt: key.jkt })
    const { access_token: token = '' } = given.body
    expect(await self(await showBound(app, key, token))).toMatchObject({ subject: { id: 'billing' } })
    expect(await self(bearer(token))).toMatchObject({ status: 401 })
    expect(await self(await showBound(app, stranger, token))).toMatchObject({ status: 401 })
    // Once more, and bound as before.
    expect(cnfOf(await proved(token, key))).toEqual({ jkt: key.jkt })
    expect((await exchange(app.issuer, token)).body).toEqual(BAD)
  })

  it('an unbound subject is bound to the key that the client proves', async () => {
    const { secret } = await makeKey(app)
    expect(cnfOf(await proved(secret, stranger))).toEqual({ jkt: stranger.jkt })
  })

  it('a proof is good once', async () => {
    const proof = await key.proof({ method: 'POST', url: `${app.issuer}/token`, nonce: nonceOf(app) })
    const subject = await boundKey()
    const send = () => exchange(app.issuer, subject, { headers: { DPoP: proof } })
    const answers = await Promise.all(Array.from({ length: 5 }, send))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(4)
  })
})

describe('a certificate', () => {
  const sent = (token: string, holder: Holder | undefined, client = gateway) =>
    exchange(app.issuer, token, { client, headers: shown(holder) })

  it('an API key that is bound to it needs it, and what comes of it does', async () => {
    const cnf = { 'x5t#S256': card.thumbprint }
    const { secret } = await makeKey(app, { cnf })
    for (const holder of [undefined, another, expired]) expect((await sent(secret, holder)).body).toEqual(BAD)
    const given = await sent(secret, card)
    expect(cnfOf(given)).toEqual(cnf)
    const { access_token: token = '' } = given.body
    expect(await self({ ...bearer(token), ...shown(card) })).toMatchObject({
      subject: { id: 'billing' },
      cnf,
    })
    for (const holder of [undefined, another])
      expect(await self({ ...bearer(token), ...shown(holder) })).toMatchObject({ status: 401 })
  })

  it('both: both are needed, at the exchange and after it', async () => {
    const { secret } = await makeKey(app, { cnf: { jkt: key.jkt, 'x5t#S256': card.thumbprint } })
    const headers = async (holder: Holder | undefined) => ({
      DPoP: await key.proof({ method: 'POST', url: `${app.issuer}/token`, nonce: nonceOf(app) }),
      ...shown(holder),
    })
    expect((await exchange(app.issuer, secret, { headers: await headers(undefined) })).body).toEqual(BAD)
    const given = await exchange(app.issuer, secret, { headers: await headers(card) })
    expect(cnfOf(given)).toEqual({ jkt: key.jkt, 'x5t#S256': card.thumbprint })
    const { access_token: token = '' } = given.body
    expect(await self({ ...(await showBound(app, key, token)), ...shown(card) })).toMatchObject({
      subject: { id: 'billing' },
    })
    expect(await self(await showBound(app, key, token))).toMatchObject({ status: 401 })
  })

  it('a client whose tokens have to be bound: refused without one, bound with one', async () => {
    const { secret } = await makeKey(app)
    expect((await sent(secret, undefined, certified)).body.error).toBe('invalid_grant')
    expect(cnfOf(await sent(secret, card, certified))).toEqual({ 'x5t#S256': card.thumbprint })
    // One that is shown and not asked for binds nothing.
    expect(cnfOf(await sent(secret, card))).toBeUndefined()
  })

  it('an access token that is bound to it', async () => {
    const own = { ...exchangeFile.clients.find(one => one.client_id === 'billing') }
    await app.apply({ clients: [{ ...own, tls_client_certificate_bound_access_tokens: true }] })
    await allKnow(app)
    const params = { grant_type: 'client_credentials', resource: ORDERS }
    const { body } = await certifiedPost(app, card, billing, params)
    const { access_token: subject = '' } = body
    expect((await sent(subject, another)).body).toEqual(BAD)
    expect(cnfOf(await sent(subject, card))).toEqual({ 'x5t#S256': card.thumbprint })
    expect((await protocolPost(app.issuer, '/token', billing, params)).status).not.toBe(200)
  })
})
