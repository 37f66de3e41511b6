// Token exchange (RFC 8693): which subject tokens are taken, what comes of them, and what is refused.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import * as openid from 'openid-client'
import type { Agent } from '../support/agent.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { codeFlow, type FlowClient, protocolPost } from '../support/authorization.ts'
import {
  ACCESS_TOKEN,
  backend,
  exchange,
  exchangeFile,
  gateway,
  JWT,
  TOKEN_EXCHANGE,
} from '../support/exchange.ts'
import { accountIdOf, makeKey, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { billing, ORDERS, ordersSpa, ordersWeb, reports, STOCK } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { readerOf } from '../support/status-reader.ts'
import { askApp } from '../verify/doors.ts'

let app: TestApp
let ada: Agent
let adaId: string
beforeAll(async () => {
  app = await startApp({}, exchangeFile)
  ada = app.agent()
  adaId = await accountIdOf(app.db, 'ada')
})
afterAll(() => app.close())

const bearer = (token = '') => ({ authorization: `Bearer ${token}` })

async function persons(scope = 'openid read:orders write:orders', client = ordersWeb, resource = ORDERS) {
  const { token } = await codeFlow(app.issuer, ada, client, { params: { scope, resource } })
  return token.body.access_token ?? ''
}

async function clients(client: FlowClient = billing, resource = ORDERS) {
  const params = { grant_type: 'client_credentials', resource }
  return (await protocolPost(app.issuer, '/token', client, params)).body.access_token ?? ''
}

const self = async (token?: string) => {
  const answer = await askApp(app, { path: '/v1/credentials/self', headers: bearer(token) })
  return answer.status === 200 ? answer.json() : { status: answer.status, code: answer.json().code }
}

const introspect = async (token = '', client: FlowClient = billing) =>
  (await protocolPost(app.issuer, '/introspect', client, { token })).body as Record<string, unknown>

describe('what comes of it', () => {
  it('a personal token: a JWT of minutes that speaks for the person and says who acts', async () => {
    const { secret } = await makePersonalToken(app, {
      scopes: { [ORDERS]: ['read:orders', 'write:orders'] },
    })
    const { status, body, headers } = await exchange(app.issuer, secret, { scope: 'read:orders' })
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      access_token: expect.any(String),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'read:orders',
    })
    const keys = createRemoteJWKSet(new URL(`${app.issuer}/jwks`))
    const { payload } = await jwtVerify(body.access_token ?? '', keys, {
      issuer: app.issuer,
      audience: ORDERS,
      typ: 'at+jwt',
      subject: adaId,
    })
    expect(payload).toMatchObject({
      client_id: 'gateway',
      scope: 'read:orders',
      act: { sub: 'gateway' },
      env: 'live',
      status: { status_list: { uri: expect.any(String) } },
    })
    expect(payload).not.toHaveProperty('grant_id')
    expect(Number(payload.exp) - Number(payload.iat)).toBe(300)
    expect(await self(body.access_token)).toMatchObject({
      kind: 'access-token',
      subject: { type: 'account', id: adaId },
      client_id: 'gateway',
      act: { sub: 'gateway' },
      env: 'live',
      resource: ORDERS,
      scopes: ['read:orders'],
    })
    expect(await introspect(body.access_token)).toMatchObject({
      active: true,
      sub: adaId,
      client_id: 'gateway',
      act: { sub: 'gateway' },
      aud: ORDERS,
      scope: 'read:orders',
    })
    expect(await introspect(body.access_token)).not.toHaveProperty('exchanged_from')
    expect(await introspect(body.access_token, reports)).toEqual({ active: false })
  })

  it('is in the audit, with whom it speaks for and what was exchanged', async () => {
    const { secret, token } = await makePersonalToken(app)
    await exchange(app.issuer, secret)
    await exchange(app.issuer, `${secret}x`)
    await until('both are written', async () => {
      const events = await app.db
        .selectFrom('audit_event')
        .selectAll()
        .where('client_id', '=', 'gateway')
        .execute()
      const issued = events.find(({ credential_id }) => credential_id === token.id)
      const refused = events.find(({ outcome }) => outcome === 'refused')
      if (!issued || !refused) return false
      expect(issued).toMatchObject({
        type: 'token_issued',
        actor_id: 'gateway',
        subject_id: adaId,
        credential_kind: 'personal-access-token',
        detail: { grant_type: TOKEN_EXCHANGE, audience: ORDERS, scope: 'read:orders' },
      })
      expect(refused).toMatchObject({ type: 'token', detail: { error: 'invalid_request' } })
      expect(JSON.stringify(events)).not.toContain(secret)
      return true
    })
  })

  it('by openid-client, with what discovery says', async () => {
    const config = await openid.discovery(
      new URL(app.issuer),
      gateway.client_id,
      undefined,
      openid.ClientSecretBasic(gateway.client_secret),
      { execute: [openid.allowInsecureRequests] },
    )
    expect(config.serverMetadata().grant_types_supported).toContain(TOKEN_EXCHANGE)
    const { secret } = await makeKey(app)
    const parameters = { subject_token: secret, subject_token_type: ACCESS_TOKEN, resource: ORDERS }
    const tokens = await openid.genericGrantRequest(config, TOKEN_EXCHANGE, parameters)
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'read:orders write:orders', expires_in: 300 })
    expect(tokens.issued_token_type).toBe(ACCESS_TOKEN)
  })

  it('an API key: it speaks for the key’s client', async () => {
    const { secret } = await makeKey(app)
    const { body } = await exchange(app.issuer, secret)
    expect(body.scope).toBe('read:orders write:orders')
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({ sub: 'billing', client_id: 'gateway' })
    expect(await self(body.access_token)).toMatchObject({ subject: { type: 'client', id: 'billing' } })
    expect(await introspect(body.access_token)).toMatchObject({ active: true, sub: 'billing' })
  })

  it.each([
    ['as an access token', ACCESS_TOKEN],
    ['as a JWT', JWT],
  ])('a person’s JWT access token, %s', async (_, subject_token_type) => {
    const { body } = await exchange(app.issuer, await persons(), { subject_token_type, scope: 'read:orders' })
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({ sub: adaId, act: { sub: 'gateway' } })
    expect(await self(body.access_token)).toMatchObject({
      subject: { type: 'account', id: adaId },
      scopes: ['read:orders'],
    })
  })

  it('an opaque access token of a person: an opaque one', async () => {
    const token = await persons('openid read:stock', ordersSpa, STOCK)
    const { body } = await exchange(app.issuer, token, { resource: STOCK })
    expect(body).toMatchObject({ issued_token_type: ACCESS_TOKEN, scope: 'read:stock', token_type: 'Bearer' })
    expect(body.access_token).not.toContain('.')
    expect(await self(body.access_token)).toMatchObject({
      subject: { type: 'account', id: adaId },
      client_id: 'gateway',
      act: { sub: 'gateway' },
    })
    const own = await introspect(body.access_token, gateway)
    expect(own).toMatchObject({ active: true, sub: adaId, act: { sub: 'gateway' }, aud: STOCK })
    expect(own).not.toHaveProperty('exchanged_from')
  })

  it('a client’s own token: it speaks for that client', async () => {
    const { body } = await exchange(app.issuer, await clients(), { resource: `${ORDERS}/` })
    expect(decodeJwt(body.access_token ?? '')).toMatchObject({ sub: 'billing', aud: ORDERS })
    expect(await self(body.access_token)).toMatchObject({ subject: { type: 'client', id: 'billing' } })
  })

  it('a token that was exchanged: bounded by it, with those who acted before', async () => {
    const { secret } = await makePersonalToken(app)
    const first = await exchange(app.issuer, secret)
    expect(first.body.scope).toBe('read:orders')
    const second = await exchange(app.issuer, first.body.access_token ?? '', { client: backend })
    expect(second.body.scope).toBe('read:orders')
    const [one, two] = [first, second].map(({ body }) => decodeJwt(body.access_token ?? ''))
    expect(two).toMatchObject({
      sub: adaId,
      client_id: 'backend',
      act: { sub: 'backend', act: { sub: 'gateway' } },
    })
    expect(Number(two?.exp)).toBeLessThanOrEqual(Number(one?.exp))
  })

  it('audience names the resource as well; both may name the same', async () => {
    const { secret } = await makeKey(app)
    const params = { audience: ORDERS, resource: undefined }
    expect((await exchange(app.issuer, secret, params)).status).toBe(200)
    expect((await exchange(app.issuer, secret, { audience: `${ORDERS}/` })).status).toBe(200)
    expect((await exchange(app.issuer, secret, { resource: undefined, client: backend })).status).toBe(200)
  })

  it('is never alive longer than its subject, nor than its resource’s tokens', async () => {
    const expiresAt = new Date(Date.now() + 100_000)
    const { secret } = await makeKey(app, { expiresAt })
    const { body } = await exchange(app.issuer, secret)
    expect(Number(decodeJwt(body.access_token ?? '').exp)).toBeLessThanOrEqual(expiresAt.getTime() / 1000)
  })

  it('it opens nothing else: no /userinfo, no refresh token, no ID token', async () => {
    const { body } = await exchange(app.issuer, await persons())
    expect(Object.keys(body)).not.toContain('refresh_token')
    expect(Object.keys(body)).not.toContain('id_token')
    const userinfo = await fetch(`${app.issuer}/userinfo`, { headers: bearer(body.access_token) })
    expect(userinfo.status).toBe(401)
  })

  it('its client revokes it, and nobody else does', async () => {
    const { body } = await exchange(app.issuer, await persons())
    const { access_token: token = '' } = body
    await protocolPost(app.issuer, '/revoke', ordersWeb, { token })
    expect(await self(token)).toMatchObject({ subject: { id: adaId } })
    await protocolPost(app.issuer, '/revoke', gateway, { token })
    expect(await self(token)).toMatchObject({ status: 401, code: 'invalid_token' })
    expect(await readerOf(app.issuer).statusOf(token)).toBe(1)
  })
})

describe('what is refused', () => {
  it('every bad subject token in the same words', async () => {
    const { secret: key } = await makeKey(app)
    const expired = await makeKey(app, { notBefore: new Date(Date.now() + 3_600_000) })
    const revoked = await clients()
    await protocolPost(app.issuer, '/revoke', billing, { token: revoked })
    const ended = await persons()
    const { token } = await codeFlow(app.issuer, ada, ordersWeb, { params: { scope: 'openid' } })
    const inQuarantine = await makeKey(app)
    await mintedTokensOf(app).quarantine(SYSTEM, inQuarantine.token.id)
    const bad: Record<string, string> = {
      'in quarantine': inQuarantine.secret,
      unknown: 'nobody-has-ever-issued-this-token',
      mistyped: `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`,
      'not yet good': expired.secret,
      revoked,
      'of another signature': `${ended.slice(0, -4)}AAAA`,
      'an ID token': token.body.id_token ?? '',
      'a refresh token': token.body.refresh_token ?? '',
      'a client secret': billing.client_secret ?? '',
      'a JWT of others': 'eyJhbGciOiJFUzI1NiJ9.e30.AAAA',
      empty: '   ',
    }
    for (const [, token] of Object.entries(bad)) {
      const { status, body } = await exchange(app.issuer, token)
      expect({ status, body }).toEqual({
        status: 400,
        body: { error: 'invalid_request', error_description: 'subject_token is not valid' },
      })
    }
    const opaque = await exchange(app.issuer, key, { subject_token_type: JWT })
    expect(opaque.body.error_description).toBe('subject_token is not valid')
  })

  it.each([
    ['no subject_token', { subject_token: undefined }, 'invalid_request'],
    ['no subject_token_type', { subject_token_type: undefined }, 'invalid_request'],
    ['another subject_token_type', { subject_token_type: `${JWT}x` }, 'invalid_request'],
    ['another requested_token_type', { requested_token_type: JWT }, 'invalid_request'],
    ['an actor token', { actor_token: 'x', actor_token_type: ACCESS_TOKEN }, 'invalid_request'],
    ['several resources', { resource: [ORDERS, STOCK] }, 'invalid_target'],
    ['a resource and another audience', { audience: STOCK }, 'invalid_target'],
    ['no resource of several', { resource: undefined }, 'invalid_target'],
    ['a resource that is not the client’s', { resource: 'https://nobody.example' }, 'invalid_target'],
    ['a scope that nobody knows', { scope: 'fly:rockets' }, 'invalid_scope'],
    ['a scope that the client has not', { scope: 'admin:orders' }, 'invalid_scope'],
    ['a scope that the subject has not', { scope: 'write:orders' }, 'invalid_scope'],
    ['a subject_token twice', { subject_token: ['x', 'y'] }, 'invalid_request'],
  ])('%s', async (_, params, error) => {
    const { secret } = await makePersonalToken(app, { scopes: { [ORDERS]: ['read:orders'] } })
    const { status, body } = await exchange(app.issuer, secret, params)
    expect({ status, error: body.error }).toEqual({ status: 400, error })
  })

  it('a good subject token that is for another resource: invalid_target', async () => {
    const { secret } = await makeKey(app)
    for (const token of [secret, await persons(), await clients()]) {
      const { body } = await exchange(app.issuer, token, { resource: STOCK })
      expect(body.error).toBe('invalid_target')
    }
    const userinfo = await persons('openid', ordersWeb)
    expect((await exchange(app.issuer, userinfo)).body.error).toMatch(/^invalid_(?:target|request)$/)
  })

  it('whatever else is sent: told in the words of OAuth, never a failure', async () => {
    const anything = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.constantFrom(
        ACCESS_TOKEN,
        JWT,
        ORDERS,
        'a.b.c',
        'lk_live_pat_',
        'Bearer x',
        '%00',
        '[object Object]',
      ),
    )
    const names = [
      'subject_token',
      'subject_token_type',
      'resource',
      'audience',
      'scope',
      'requested_token_type',
    ]
    const { secret } = await makeKey(app)
    const params = fc.dictionary(fc.constantFrom(...names), anything, { minKeys: 1 })
    await fc.assert(
      fc.asyncProperty(params, async changed => {
        const { status, body } = await exchange(app.issuer, secret, changed)
        if (status === 200) expect(decodeJwt(body.access_token ?? '').aud).toBe(ORDERS)
        else
          expect([status, body.error]).toEqual([
            400,
            expect.stringMatching(/^invalid_(?:request|target|scope)$/),
          ])
      }),
      { numRuns: 60 },
    )
  })

  it('a client without the grant type, one that does not authenticate, one that is wrong', async () => {
    const { secret } = await makeKey(app)
    expect((await exchange(app.issuer, secret, { client: billing })).body.error).toBe('invalid_request')
    expect((await exchange(app.issuer, secret, { client: ordersSpa })).status).toBe(400)
    const wrong = { ...gateway, client_secret: 'wrong-secret-for-tests-only-0123456789abcd' }
    expect((await exchange(app.issuer, secret, { client: wrong })).body.error).toBe('invalid_client')
    const file = { clients: [{ ...ordersSpa, grant_types: ['authorization_code', TOKEN_EXCHANGE] }] }
    await expect(app.apply(file)).rejects.toThrow('clients that authenticate')
  })

  it('tokens for this server itself', async () => {
    const resource = `${app.issuer}/v1`
    await app.apply({
      clients: [{ ...gateway, resource_scopes: { ...gateway.resource_scopes, [resource]: ['verify'] } }],
    })
    const { body } = await exchange(app.issuer, await clients(), { resource })
    expect(body.error).toBe('invalid_target')
    await app.apply({ clients: [gateway] })
  })

  it('the fifth exchange of one token after the other', async () => {
    const { secret } = await makeKey(app)
    let token = secret
    for (let times = 1; times <= 4; times++) {
      const { body } = await exchange(app.issuer, token)
      token = body.access_token ?? ''
      expect(token).not.toBe('')
    }
    expect((await exchange(app.issuer, token)).body.error).toBe('invalid_target')
  })
})
