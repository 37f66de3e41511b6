// Credentials that are bound to a DPoP key (RFC 9449), at our own doors: they keep the contract, and nobody without the key
// can use them.
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { updateAccount } from '../../src/accounts/account.ts'
import { transaction } from '../../src/db/transaction.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { type FlowClient, protocolPost } from '../support/authorization.ts'
import { boundCodeFlow, boundTokenPost, showBound } from '../support/bound-tokens.ts'
import { type ProofKey, type ProofRequest, proofKey } from '../support/dpop.ts'
import { billing, ORDERS, ordersFile, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'
import { queriesDuring } from '../support/queries.ts'
import { askApp } from '../verify/doors.ts'
import { createMaker } from '../verify/minted.ts'
import {
  ALGS,
  askSelf,
  badCredential,
  type Headers,
  type KindFixture,
  keepsTheContract,
  outsideOf,
  type Presented,
} from './kind.contract.ts'

interface Bound extends Presented {
  readonly token: string
  readonly key: ProofKey
  readonly client: FlowClient
}

async function bound(
  app: TestApp,
  token: string,
  subject: Presented['subject'],
  client: FlowClient,
  key: ProofKey,
) {
  return {
    token,
    client,
    key,
    subject,
    headers: { authorization: `DPoP ${token}` },
    prove: async () => ({ dpop: (await showBound(app, key, token)).dpop }),
    secrets: [token, token.split('.')[2] ?? token],
  }
}

/** Of a person nobody else uses. */
async function persons(app: TestApp, client: FlowClient, params: Record<string, string>): Promise<Bound> {
  const username = `person-${randomBytes(4).toString('hex')}`
  const [{ password } = { password: '' }] = ordersFile.accounts
  await app.apply({ accounts: [{ username, name: 'A Person', password }] })
  const key = await proofKey()
  const { body } = await boundCodeFlow(app, app.agent(), client, key, { params, person: { username } })
  const { id } = await app.db
    .selectFrom('account')
    .select('id')
    .where('username', '=', username)
    .executeTakeFirstOrThrow()
  return bound(app, body.access_token ?? '', { type: 'account', id }, client, key)
}

async function clients(app: TestApp, client: FlowClient, resource: string): Promise<Bound> {
  const key = await proofKey('Ed25519')
  const { body } = await boundTokenPost(app, client, key, { grant_type: 'client_credentials', resource })
  return bound(app, body.access_token ?? '', { type: 'client', id: client.client_id }, client, key)
}

const spoilt = (token: string) => `${token.slice(0, -4)}AAAA`

/** The credential is not good, and looks like any other that is not. */
const bad: KindFixture<Bound>['bad'] = {
  unknown: (app, { key }) => showBound(app, key, 'rE3UVdYeRXVC-WWn1aorBo1GmBH0DxZ2E2s017nRQLp'),
  'spoilt, with a proof for what it is': (app, { key, token }) => showBound(app, key, spoilt(token)),
  "with another's key": async (app, { token }) => showBound(app, await proofKey(), token),
  'with two in one': (app, { key, token }) => showBound(app, key, `${token}, ${token}`),
  'that is bound to no key': async (app, { key }) => {
    const { body } = await protocolPost(app.issuer, '/token', billing, { grant_type: 'client_credentials' })
    return showBound(app, key, body.access_token ?? '')
  },
}

const revoke = (app: TestApp, { client, token }: Bound) =>
  protocolPost(app.issuer, '/revoke', client, { token })

const disable = (app: TestApp, { subject }: Presented) =>
  transaction(app.db, tx => updateAccount(tx, subject.id, { disabled: true }))

keepsTheContract<Bound>({
  kind: 'access-token',
  form: 'a bound JWT of a person',
  scheme: 'DPoP',
  create: app => persons(app, ordersWeb, { scope: 'openid read:orders', resource: ORDERS }),
  bad,
  ends: { 'revoked by its client': revoke, 'the account disabled': disable },
})

keepsTheContract<Bound>({
  kind: 'access-token',
  form: 'a bound opaque one of a person',
  scheme: 'DPoP',
  create: app => persons(app, ordersSpa, { scope: 'openid read:stock', resource: STOCK }),
  bad,
  ends: {
    'revoked by its client': revoke,
    expired: app =>
      app.db.updateTable('access_token').set({ expires_at: sql<Date>`clock_timestamp()` }).execute(),
  },
})

keepsTheContract<Bound>({
  kind: 'access-token',
  form: 'a bound JWT of a client',
  scheme: 'DPoP',
  create: app => clients(app, billing, ORDERS),
  bad,
  ends: { 'revoked by its client': revoke },
})

async function boundKey(app: TestApp): Promise<Bound> {
  const ada = await createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
  const key = await proofKey()
  const fields = { scopes: { [ORDERS]: ['read:orders'] }, cnf: { jkt: key.jkt } }
  return bound(app, (await ada.key(fields)).secret, { type: 'client', id: 'billing' }, billing, key)
}

keepsTheContract<Bound>({
  kind: 'api-key',
  form: 'a bound one',
  scheme: 'DPoP',
  create: boundKey,
  bad: {
    ...bad,
    mistyped: (app, { key, token }) => showBound(app, key, token.slice(0, -1)),
  },
  ends: { 'revoked by its client': revoke },
})

describe('a bound credential', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({}, ordersFile)
  })
  afterAll(() => app.close())

  const each: [string, () => Promise<Bound>][] = [
    ['a JWT', () => clients(app, billing, ORDERS)],
    ['an opaque token', () => persons(app, ordersSpa, { scope: 'openid read:stock', resource: STOCK })],
    ['an API key', () => boundKey(app)],
  ]
  const shown = (made: Bound, change?: Parameters<typeof showBound>[3]) =>
    showBound(app, made.key, made.token, change)
  const refusedFor = async (headers: Headers) => {
    const { status, headers: answered, json } = await askSelf(app, headers)
    return {
      status,
      code: json().code,
      challenge: answered['www-authenticate'],
      nonce: answered['dpop-nonce'],
    }
  }
  const challenge = (error: string) => `DPoP realm="${app.issuer}", error="${error}", ${ALGS}`

  describe.each(each)('%s', (_name, make) => {
    it('says what it is bound to', async () => {
      const made = await make()
      const { status, json } = await askSelf(app, await shown(made))
      expect([status, json().cnf]).toEqual([200, { jkt: made.key.jkt }])
    })

    it('is no bearer token, with a proof or without', async () => {
      const made = await make()
      const authorization = `Bearer ${made.token}`
      for (const headers of [{ authorization }, { ...(await shown(made)), authorization }])
        expect(outsideOf(await askSelf(app, headers))).toEqual(badCredential(app.issuer))
    })

    it.each<[string, Partial<ProofRequest>]>([
      ['another method', { method: 'POST' }],
      ['another address', { url: 'http://elsewhere.example/v1/credentials/self' }],
      ['another credential', { token: 'another' }],
      ['no credential', { token: undefined }],
    ])('with a proof for %s: says so', async (_what, change) => {
      const made = await make()
      expect(await refusedFor(await shown(made, change))).toEqual({
        status: 401,
        code: 'invalid_dpop_proof',
        challenge: challenge('invalid_dpop_proof'),
        nonce: undefined,
      })
    })

    it('without a proof, with two, or with one that is none: says so', async () => {
      const made = await make()
      const { authorization, dpop } = await shown(made)
      for (const proof of [[], [dpop, dpop], ['nonsense']])
        expect(await refusedFor({ authorization, dpop: proof })).toMatchObject({ code: 'invalid_dpop_proof' })
    })

    it('without a nonce, or with an old one: gets one that is good', async () => {
      const made = await make()
      for (const nonce of [undefined, 'an old one']) {
        const refused = await refusedFor(await shown(made, { nonce }))
        expect(refused).toMatchObject({
          status: 401,
          code: 'use_dpop_nonce',
          challenge: challenge('use_dpop_nonce'),
          nonce: expect.any(String),
        })
        expect((await askSelf(app, await shown(made, { nonce: refused.nonce as string }))).status).toBe(200)
      }
    })

    it('of 20 requests at once with one proof one is let in', async () => {
      const made = await make()
      const headers = await shown(made)
      const answers = await Promise.all(Array.from({ length: 20 }, () => askSelf(app, headers)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(await refusedFor(headers)).toMatchObject({ status: 401, code: 'invalid_dpop_proof' })
    })
  })

  it('spends no proof on what is refused for another reason', async () => {
    const made = await clients(app, billing, ORDERS)
    const headers = await shown(made, { path: '/v1/clients' })
    const refused = await askApp(app, { path: '/v1/clients', headers })
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([403, undefined])
    const rows = await app.db.selectFrom('replay').select('id_hash').execute()
    const { jti } = JSON.parse(Buffer.from(headers.dpop.split('.')[1] ?? '', 'base64url').toString())
    const hash = createHash('sha256').update(`dpop ${made.key.jkt} ${jti}`).digest()
    expect(rows.some(row => row.id_hash.equals(hash))).toBe(false)
  })

  it('two keys may use one jti', async () => {
    const [one, other] = [await clients(app, billing, ORDERS), await clients(app, billing, ORDERS)]
    for (const made of [one, other])
      expect((await askSelf(app, await shown(made, { claims: { jti: 'the same' } }))).status).toBe(200)
  })

  it('a bad proof is refused without asking anybody', async () => {
    const made = await clients(app, billing, ORDERS)
    const headers = await shown(made, { method: 'PUT' })
    expect(await queriesDuring(() => askSelf(app, headers))).toEqual([])
  })

  it('calls our API, with a nonce from /token', async () => {
    const key = await proofKey()
    const params = { grant_type: 'client_credentials', resource: `${app.issuer}/v1`, scope: 'verify' }
    const url = `${app.issuer}/token`
    const first = await protocolPost(app.issuer, '/token', billing, params, {
      DPoP: await key.proof({ method: 'POST', url }),
    })
    const nonce = first.headers.get('dpop-nonce') ?? ''
    expect([first.status, first.body.error]).toEqual([400, 'use_dpop_nonce'])
    const { body } = await protocolPost(app.issuer, '/token', billing, params, {
      DPoP: await key.proof({ method: 'POST', url, nonce }),
    })
    expect(body.token_type).toBe('DPoP')
    const path = '/v1/verify'
    const headers = await showBound(app, key, body.access_token ?? '', { method: 'POST', path, nonce })
    const answer = await askApp(app, {
      method: 'POST',
      path,
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ credential: 'nobody', resource: ORDERS }),
    })
    expect([answer.status, answer.json().allowed]).toEqual([200, false])
  })

  it('a key in a header of its own has its proof beside it; one that is bound to nothing needs none', async () => {
    const made = await boundKey(app)
    const { dpop } = await shown(made)
    expect((await askSelf(app, { 'x-api-key': made.token })).status).toBe(401)
    expect((await askSelf(app, { 'x-api-key': made.token, dpop })).status).toBe(200)
    expect((await askSelf(app, { authorization: `ApiKey ${made.token}`, dpop })).status).toBe(401)
    const ada = await createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
    const free = await ada.key({ scopes: { [ORDERS]: ['read:orders'] } })
    const beside = await showBound(app, made.key, free.secret)
    expect((await askSelf(app, { 'x-api-key': free.secret, dpop: beside.dpop })).status).toBe(200)
    expect(outsideOf(await askSelf(app, await showBound(app, made.key, free.secret)))).toEqual(
      badCredential(app.issuer, 'DPoP'),
    )
  })

  it('a proof is spent before the rate limit is asked', async () => {
    const ada = await createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
    const key = await proofKey()
    const { secret } = await ada.key({
      scopes: { [ORDERS]: ['read:orders'] },
      cnf: { jkt: key.jkt },
      rate_limit: { requests: 1, seconds: 3_600 },
    })
    expect((await askSelf(app, await showBound(app, key, secret))).status).toBe(200)
    const headers = await showBound(app, key, secret)
    expect((await askSelf(app, headers)).status).toBe(429)
    expect(await refusedFor(headers)).toMatchObject({ status: 401, code: 'invalid_dpop_proof' })
  })
})
