// What the library leaves to us (its gaps), beyond what the flows show.
import { EventEmitter } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import type { Provider } from 'oidc-provider'
import { appendChange } from '../../src/db/change-log.ts'
import { ensureSigningKeys } from '../../src/keys/signing-keys.ts'
import { listenToProvider } from '../../src/oidc/listen.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, codeFlow, protocolPost, redirectOf } from '../support/authorization.ts'
import { billing, CALLBACK, ordersFile, ordersWeb } from '../support/orders.ts'
import { until } from '../support/process.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const clientCredentials = (client: { client_id: string; client_secret?: string } = billing) =>
  protocolPost(app.issuer, '/token', client, { grant_type: 'client_credentials' })

describe('signing keys', () => {
  test('a new key takes over without a restart; what is under way and what was signed go on', async () => {
    const agent = app.agent()
    const { url, verifier } = authorizationRequest(app.issuer, ordersWeb, { scope: 'openid read:orders' })
    const signInPage = await agent.follow(await agent.get(url))
    const before = (await clientCredentials()).body.access_token ?? ''

    await app.db
      .updateTable('signing_key')
      .set({ state: 'previous' })
      .where('state', '=', 'current')
      .execute()
    await ensureSigningKeys(app.db, app.keyring)
    const kidOf = async () => decodeProtectedHeader((await clientCredentials()).body.access_token ?? '').kid
    const oldKid = decodeProtectedHeader(before).kid
    await until('tokens are signed with the new key', async () => (await kidOf()) !== oldKid)

    const jwks = createRemoteJWKSet(new URL(`${app.issuer}/jwks`))
    for (const jwt of [before, (await clientCredentials()).body.access_token ?? '']) {
      await jwtVerify(jwt, jwks)
      expect((await protocolPost(app.issuer, '/introspect', billing, { token: jwt })).body).toMatchObject({
        active: true,
      })
    }
    const code = redirectOf(await answer(agent, signInPage)).get('code') ?? ''
    const token = await protocolPost(app.issuer, '/token', ordersWeb, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      code_verifier: verifier,
    })
    expect(token.status).toBe(200)
  })
})

describe('clients', () => {
  test('several secrets work; one that has expired or was revoked does not', async () => {
    const [second, expired] = ['b', 'e'].map(letter => letter.repeat(40))
    const { hashSecret } = await import('../../src/secrets/hash.ts')
    const row = (secret: string, expiresAt: Date | null) => {
      const { hash, pepperId } = hashSecret(app.keyring, secret)
      return {
        id: crypto.randomUUID(),
        client_id: 'billing',
        hash,
        pepper_id: pepperId,
        last4: secret.slice(-4),
        origin: 'generated' as const,
        expires_at: expiresAt,
        revoked_at: null,
      }
    }
    await app.db
      .insertInto('client_secret')
      .values([row(second ?? '', null), row(expired ?? '', new Date(Date.now() - 1000))])
      .execute()
    await appendChange(app.db, 'client', { client_id: 'billing' })
    const statusOf = async (secret: string | undefined) =>
      (await clientCredentials({ client_id: 'billing', client_secret: secret ?? '' })).status
    await until('the new secret is known', async () => (await statusOf(second)) === 200)
    expect(await statusOf(billing.client_secret)).toBe(200)
    expect(await statusOf(expired)).toBe(401)
    await app.db
      .updateTable('client_secret')
      .set({ revoked_at: new Date() })
      .where('last4', '=', 'bbbb')
      .execute()
    await appendChange(app.db, 'client', { client_id: 'billing' })
    await until('the revoked secret is refused', async () => (await statusOf(second)) === 401)
  })

  test('a disabled client is out: authentication, its tokens, authorization', async () => {
    await app.apply({ clients: [{ ...ordersFile.clients[0], client_id: 'short-lived' }] })
    const client = { ...ordersWeb, client_id: 'short-lived' }
    const { token } = await codeFlow(app.issuer, app.agent(), client, {
      params: { scope: 'openid read:orders' },
    })
    await app.db
      .updateTable('client')
      .set({ disabled_at: new Date() })
      .where('client_id', '=', 'short-lived')
      .execute()
    await appendChange(app.db, 'client', { client_id: 'short-lived' })
    const refresh = () =>
      protocolPost(app.issuer, '/token', client, {
        grant_type: 'refresh_token',
        refresh_token: token.body.refresh_token ?? '',
      })
    await until('the client is refused', async () => (await refresh()).status === 401)
    const introspected = await protocolPost(app.issuer, '/introspect', billing, {
      token: token.body.access_token ?? '',
    })
    expect(introspected.body).toEqual({ active: false })
    const page = await app.agent().get(authorizationRequest(app.issuer, client).url)
    expect([page.status, page.location]).toEqual([400, undefined])
  })

  test('a deleted client leaves tokens that are inactive, not an error', async () => {
    await app.apply({ clients: [{ ...ordersFile.clients[0], client_id: 'deleted' }] })
    const client = { ...ordersWeb, client_id: 'deleted' }
    const { token } = await codeFlow(app.issuer, app.agent(), client, {
      params: { scope: 'openid read:orders' },
    })
    await app.db.deleteFrom('client').where('client_id', '=', 'deleted').execute()
    await appendChange(app.db, 'client', { client_id: 'deleted' })
    const introspect = (value: string | undefined) =>
      protocolPost(app.issuer, '/introspect', billing, { token: value ?? '' })
    await until(
      'its token is inactive',
      async () => (await introspect(token.body.access_token)).body.active !== (true as never),
    )
    for (const value of [token.body.access_token, token.body.refresh_token])
      expect(await introspect(value)).toMatchObject({ status: 200, body: { active: false } })
  })
})

describe('lifetimes', () => {
  test('a grant outlives every refresh token it can have', async () => {
    await codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope: 'openid read:orders' } })
    const rows = await app.db
      .selectFrom('refresh_token as r')
      .innerJoin('authorization_grant as g', 'g.id', 'r.grant_id')
      .select(['r.expires_at as refresh', 'g.expires_at as grant'])
      .execute()
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row.grant.getTime()).toBeGreaterThanOrEqual(row.refresh.getTime())
  })
})

describe('listeners', () => {
  test('one that throws changes nothing for the caller', () => {
    const events = new EventEmitter()
    const audit = {
      recordLater() {
        throw new Error('the audit is broken')
      },
    }
    listenToProvider(events as unknown as Provider, { ...audit, audit, log: app.log } as never)
    const ctx = { oidc: { entities: {}, params: {} }, state: {}, get: () => '' }
    expect(() => events.emit('grant.success', ctx)).not.toThrow()
    expect(() => events.emit('grant.error', ctx, new Error('refused'))).not.toThrow()
    expect(app.logLines.some(line => line.includes('a listener of the provider failed'))).toBe(true)
  })
})
