// /v1/credentials/self: every kind tells what it is and ends itself; keys and personal tokens also rotate themselves.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { askSelf, badCredential, type Headers, outsideOf } from '../credentials/kind.contract.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { billing, ORDERS, ordersSpa, ordersWeb, STOCK } from '../support/orders.ts'
import { askApp, doorsFile } from './doors.ts'
import { createMaker, type Maker } from './minted.ts'

let app: TestApp
let ada: Maker
const signIn = () => createMaker({ issuer: app.issuer, ask: question => askApp(app, question) }, app.agent())
beforeAll(async () => {
  app = await startApp({}, doorsFile)
  ada = await signIn()
})
afterAll(() => app.close())

const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token ?? ''}` })
const SCOPES = { scopes: { [ORDERS]: ['read:orders'] } }

const people = async (client: typeof ordersWeb | typeof ordersSpa, params: Record<string, string>) =>
  bearer((await codeFlow(app.issuer, app.agent(), client, { params })).token.body.access_token)

const KINDS: [string, () => Promise<Headers>][] = [
  ['an access token, a JWT', () => people(ordersWeb, { scope: 'openid read:orders' })],
  ['an access token, opaque', () => people(ordersSpa, { scope: 'openid read:stock', resource: STOCK })],
  [
    'an access token of a client',
    async () => {
      const { body } = await protocolPost(app.issuer, '/token', billing, { grant_type: 'client_credentials' })
      return bearer(body.access_token)
    },
  ],
  ['a session', async () => (await signIn()).headers],
  ['an API key', async () => bearer((await ada.key(SCOPES)).secret)],
  ['a personal access token', async () => bearer((await ada.token(SCOPES)).secret)],
]

describe('DELETE', () => {
  it.each(KINDS)('%s ends itself', async (_name, make) => {
    const headers = await make()
    const before = (await askSelf(app, headers)).json()
    const answer = await askApp(app, { method: 'DELETE', path: '/v1/credentials/self', headers })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect(outsideOf(await askSelf(app, headers))).toEqual(badCredential(app.issuer))
    const again = await askApp(app, { method: 'DELETE', path: '/v1/credentials/self', headers })
    expect(again.status).toBe(401)
    const events = await app.db
      .selectFrom('audit_event')
      .select(['type', 'outcome'])
      .where('credential_id', '=', String(before.credential_id))
      .where('type', 'in', [
        'token_revoked',
        'session_ended',
        'api_key_revoked',
        'personal_access_token_revoked',
      ])
      .execute()
    expect(events).toEqual([{ type: expect.any(String), outcome: 'success' }])
  })

  it('an access token leaves its refresh token alone', async () => {
    const params = { scope: 'openid read:orders' }
    const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, { params })
    const headers = bearer(token.body.access_token)
    expect((await askApp(app, { method: 'DELETE', path: '/v1/credentials/self', headers })).status).toBe(204)
    const refreshed = await protocolPost(app.issuer, '/token', ordersWeb, {
      grant_type: 'refresh_token',
      refresh_token: token.body.refresh_token ?? '',
    })
    expect(refreshed.status).toBe(200)
  })

  it('needs a credential, and of a session the CSRF token', async () => {
    const question = { method: 'DELETE', path: '/v1/credentials/self' }
    expect((await askApp(app, question)).status).toBe(401)
    const { cookie = '' } = ada.headers
    const answer = await askApp(app, { ...question, headers: { cookie } })
    expect([answer.status, answer.json().code]).toEqual([403, 'csrf_failed'])
  })
})

describe('rotation', () => {
  const rotate = (secret: string, body: object = {}) =>
    askApp(app, {
      method: 'POST',
      path: '/v1/credentials/self/rotate',
      headers: { ...bearer(secret), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const status = async (secret: unknown) => (await askSelf(app, bearer(String(secret)))).status

  it.each<[string, (fields: object) => Promise<{ id: string; secret: string }>, string]>([
    ['an API key', fields => ada.key(fields), 'client_id'],
    ['a personal token', fields => ada.token(fields), 'account_id'],
  ])('%s gives itself a new secret and keeps its id', async (_name, make, owner) => {
    const { id, secret } = await make(SCOPES)
    const answer = await rotate(secret, { grace_seconds: 0 })
    const rotated = answer.json()
    expect([answer.status, rotated.id]).toEqual([200, id])
    expect(rotated).toHaveProperty(owner)
    expect(await status(secret)).toBe(200)
    expect(await status(rotated.secret)).toBe(200)
    expect(await status(secret)).toBe(401)
  })

  it('at once', async () => {
    const { secret } = await ada.key(SCOPES)
    const rotated = (await rotate(secret, { immediately: true })).json()
    expect([await status(secret), await status(rotated.secret)]).toEqual([401, 200])
  })

  it.each(KINDS.slice(0, 4))('%s cannot', async (_name, make) => {
    const headers = { ...(await make()), 'content-type': 'application/json' }
    const answer = await askApp(app, {
      method: 'POST',
      path: '/v1/credentials/self/rotate',
      headers,
      body: '{}',
    })
    expect([answer.status, answer.json().code]).toEqual([409, 'conflict'])
  })

  it('mistakes by name', async () => {
    const { secret } = await ada.key(SCOPES)
    const answer = await rotate(secret, { grace_seconds: -1, when: 'now' })
    expect([answer.status, answer.json().code]).toEqual([400, 'validation_failed'])
    expect(await status(secret)).toBe(200)
  })
})
