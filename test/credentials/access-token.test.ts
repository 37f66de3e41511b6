// OAuth access tokens as credentials: JWT and opaque, of a person and of a client.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { sql } from 'kysely'
import { updateAccount } from '../../src/accounts/account.ts'
import { transaction } from '../../src/db/transaction.ts'
import { listSigningKeys } from '../../src/keys/signing-keys.ts'
import type { Agent } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, type FlowClient, protocolPost } from '../support/authorization.ts'
import { billing, ORDERS, ordersFile, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'
import {
  askSelf,
  badCredential,
  type Headers,
  keepsTheContract,
  outsideOf,
  type Presented,
} from './kind.contract.ts'

interface Token extends Presented {
  readonly token: string
  readonly client: FlowClient
}

interface PersonsToken extends Token {
  readonly refreshToken: string
  readonly agent: Agent
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function idOf(app: TestApp, username: string): Promise<string> {
  const row = await app.db
    .selectFrom('account')
    .select('id')
    .where('username', '=', username)
    .executeTakeFirstOrThrow()
  return row.id
}

/** A person nobody else uses, so that the account can be disabled. */
async function persons(
  app: TestApp,
  client: FlowClient,
  scope: string,
  resource: string,
): Promise<PersonsToken> {
  const username = `person-${randomBytes(4).toString('hex')}`
  const [{ password } = { password: '' }] = ordersFile.accounts
  await app.apply({ accounts: [{ username, name: 'A Person', password }] })
  const agent = app.agent()
  const params = { scope, resource }
  const { token } = await codeFlow(app.issuer, agent, client, { params, person: { username } })
  const { access_token: accessToken = '', refresh_token: refreshToken = '' } = token.body
  return {
    client,
    agent,
    refreshToken,
    token: accessToken,
    headers: bearer(accessToken),
    // Of a JWT the signature is what makes it one.
    secrets: [accessToken, accessToken.split('.')[2] ?? accessToken],
    subject: { type: 'account', id: await idOf(app, username) },
  }
}

const revoke = (app: TestApp, client: FlowClient, token: string) =>
  protocolPost(app.issuer, '/revoke', client, { token })

const disable = (app: TestApp, { subject }: Presented) =>
  transaction(app.db, tx => updateAccount(tx, subject.id, { disabled: true }))

async function signOut(_app: TestApp, { agent }: PersonsToken): Promise<void> {
  const page = await agent.submit(await agent.get('/account'), {}, { button: 'Sign out' })
  expect(page.status).toBe(303)
}

const letSessionExpire = (app: TestApp, { subject }: Presented) =>
  app.db
    .updateTable('session')
    .set({ expires_at: sql<Date>`clock_timestamp()` })
    .where('account_id', '=', subject.id)
    .execute()

const personsEnds = {
  'revoked by its client': (app: TestApp, { client, token }: Token) => revoke(app, client, token),
  'its refresh token revoked': (app: TestApp, { client, refreshToken }: PersonsToken) =>
    revoke(app, client, refreshToken),
  'signed out': signOut,
  'the session run out': letSessionExpire,
  'the account disabled': disable,
  'the account gone': (app: TestApp, { subject }: Presented) =>
    app.db.deleteFrom('account').where('id', '=', subject.id).execute(),
}

async function signed(
  app: TestApp,
  claims: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<Headers> {
  const [key] = await listSigningKeys(app.db, app.keyring)
  if (!key) throw new Error('no signing key')
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header })
    .sign(await importJWK(key.privateJwk, 'ES256'))
  return bearer(token)
}

const claimsOf = ({ token }: Token): JWTPayload =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

const now = () => Math.floor(Date.now() / 1000)

const anyBad = {
  unknown: () => bearer('rE3UVdYeRXVC-WWn1aorBo1GmBH0DxZ2E2s017nRQLp'),
  empty: () => bearer(''),
  'two in one': (_app: TestApp, { token }: Token) => bearer(`${token}, ${token}`),
  'a stranger of another kind': () => bearer('lk_live_key_0123456789abcdef_secret'),
  'cut short': (_app: TestApp, { token }: Token) => bearer(token.slice(0, -1)),
  'one character more': (_app: TestApp, { token }: Token) => bearer(`${token}A`),
}

const jwtBad = {
  ...anyBad,
  'no signature': (_app: TestApp, good: Token) => {
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url')
    return bearer(`${header}.${good.token.split('.')[1]}.`)
  },
  'another key': async (_app: TestApp, good: Token) => {
    const { privateKey } = await generateKeyPair('ES256')
    const [header = ''] = good.token.split('.')
    const parameters = JSON.parse(Buffer.from(header, 'base64url').toString()) as JWTHeaderParameters
    return bearer(await new SignJWT(claimsOf(good)).setProtectedHeader(parameters).sign(privateKey))
  },
  'the public key as a secret': async (app: TestApp, good: Token) => {
    const [key] = await listSigningKeys(app.db, app.keyring)
    const secret = Buffer.from(JSON.stringify(key?.publicJwk))
    const header = { alg: 'HS256', typ: 'at+jwt', kid: key?.kid ?? '' }
    return bearer(await new SignJWT(claimsOf(good)).setProtectedHeader(header).sign(secret))
  },
  'a key it brings along': async (_app: TestApp, good: Token) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const header = { alg: 'ES256', typ: 'at+jwt', jwk: await exportJWK(publicKey) }
    return bearer(await new SignJWT(claimsOf(good)).setProtectedHeader(header).sign(privateKey))
  },
  'our signature, expired': (app: TestApp, good: Token) => signed(app, { ...claimsOf(good), exp: now() - 1 }),
  'our signature, without an end': (app: TestApp, good: Token) => {
    const { exp: _end, ...endless } = claimsOf(good)
    return signed(app, endless)
  },
  'our signature, another issuer': (app: TestApp, good: Token) =>
    signed(app, { ...claimsOf(good), iss: 'https://elsewhere.example' }),
  'our signature, another sort of token': (app: TestApp, good: Token) =>
    signed(app, claimsOf(good), { typ: 'JWT' }),
  'our signature, no such client': (app: TestApp, good: Token) =>
    signed(app, { ...claimsOf(good), client_id: 'nobody' }),
  'our signature, no such resource': (app: TestApp, good: Token) =>
    signed(app, { ...claimsOf(good), aud: 'https://nowhere.example' }),
  'bound to a key that was not shown': (app: TestApp, good: Token) =>
    signed(app, { ...claimsOf(good), cnf: { jkt: 'thumbprint' } }),
}

keepsTheContract<PersonsToken>({
  kind: 'access-token',
  form: 'a JWT of a person',
  create: app => persons(app, ordersWeb, 'openid read:orders', ORDERS),
  bad: {
    ...jwtBad,
    'our signature, no such grant': (app, good) => signed(app, { ...claimsOf(good), grant_id: 'nothing' }),
    'our signature, no such account': (app, good) => signed(app, { ...claimsOf(good), sub: 'nobody\0' }),
  },
  ends: personsEnds,
})

keepsTheContract<PersonsToken>({
  kind: 'access-token',
  form: 'an opaque one of a person',
  create: app => persons(app, ordersSpa, 'openid read:stock', STOCK),
  bad: anyBad,
  ends: {
    ...personsEnds,
    expired: app =>
      app.db.updateTable('access_token').set({ expires_at: sql<Date>`clock_timestamp()` }).execute(),
  },
})

keepsTheContract<Token>({
  kind: 'access-token',
  form: 'a JWT of a client',
  async create(app) {
    const { body } = await protocolPost(app.issuer, '/token', billing, { grant_type: 'client_credentials' })
    const { access_token: token = '' } = body
    const secrets = [token, token.split('.')[2] ?? token]
    return {
      client: billing,
      token,
      secrets,
      headers: bearer(token),
      subject: { type: 'client', id: 'billing' },
    }
  },
  bad: jwtBad,
  ends: { 'revoked by its client': (app, { client, token }) => revoke(app, client, token) },
})

describe('what an access token may do now', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp({}, ordersFile)
  })
  afterAll(() => app.close())

  const adas = async (scope: string) => {
    const params = { scope, resource: ORDERS }
    const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, { params })
    return token.body.access_token ?? ''
  }

  it('names the client, its organization when it acts for itself, and the times', async () => {
    const { body } = await protocolPost(app.issuer, '/token', billing, { grant_type: 'client_credentials' })
    const ofClient = (await askSelf(app, bearer(body.access_token ?? ''))).json()
    expect(ofClient).toEqual({
      kind: 'access-token',
      credential_id: expect.any(String),
      subject: { type: 'client', id: 'billing' },
      client_id: 'billing',
      organization: 'acme',
      resource: ORDERS,
      scopes: ['read:orders', 'write:orders'],
      issued_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
    const ofPerson = (await askSelf(app, bearer(await adas('openid read:orders')))).json()
    expect(ofPerson).toMatchObject({ client_id: 'orders-web', acr: 'urn:latchkey:acr:password' })
    expect(ofPerson).not.toHaveProperty('organization')
  })

  it('has no resource when it only opens /userinfo', async () => {
    const { token } = await codeFlow(app.issuer, app.agent(), ordersSpa, { params: { scope: 'openid' } })
    const answer = await askSelf(app, bearer(token.body.access_token ?? ''))
    expect(answer.json()).toMatchObject({ resource: null, scopes: ['openid'], client_id: 'orders-spa' })
  })

  it('an ID token is none', async () => {
    const { token } = await codeFlow(app.issuer, app.agent(), ordersSpa, { params: { scope: 'openid' } })
    const answer = await askSelf(app, bearer(token.body.id_token ?? ''))
    expect(outsideOf(answer)).toEqual(badCredential(app.issuer))
  })

  it('loses with the next request what a role gave', async () => {
    const some = await adas('openid read:orders admin:orders')
    const only = await adas('openid admin:orders')
    expect((await askSelf(app, bearer(some))).json().scopes).toEqual(['read:orders', 'admin:orders'])
    await app.db.deleteFrom('account_role').execute()
    expect((await askSelf(app, bearer(some))).json().scopes).toEqual(['read:orders'])
    expect(outsideOf(await askSelf(app, bearer(only)))).toEqual(badCredential(app.issuer))
  })

  it('is over when its client is disabled', async () => {
    const token = await adas('openid read:orders')
    await transaction(app.db, async tx => {
      await tx
        .updateTable('client')
        .set({ disabled_at: sql<Date>`clock_timestamp()` })
        .where('client_id', '=', 'orders-web')
        .execute()
      await sql`INSERT INTO change_log (type, payload) VALUES ('client', '{"client_id": "orders-web"}')`.execute(
        tx,
      )
    })
    // Nothing of ours disables a client yet, so nothing waits for this node to have read it.
    while ((await askSelf(app, bearer(token))).status === 200);
    expect(outsideOf(await askSelf(app, bearer(token)))).toEqual(badCredential(app.issuer))
  })
})
