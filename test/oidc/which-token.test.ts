import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { authorizationRequest, codeFlow, redirectOf } from '../support/authorization.ts'
import { ORDERS, ordersFile, ordersSpa, ordersWeb, profileOnly, STOCK } from '../support/orders.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const verify = (jwt: string) => jwtVerify(jwt, createRemoteJWKSet(new URL(`${app.issuer}/jwks`)))

describe('which token', () => {
  test('one resource in the ceiling: that one', async () => {
    const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope: 'openid' } })
    expect((await verify(token.body.access_token ?? '')).payload.aud).toBe(ORDERS)
    expect(token.body).not.toHaveProperty('scope')
  })

  test('several, and a scope of one was asked: invalid_target', async () => {
    const page = await app
      .agent()
      .get(authorizationRequest(app.issuer, ordersSpa, { scope: 'openid read:orders' }).url)
    expect(redirectOf(page).get('error')).toBe('invalid_target')
  })

  test('none: an opaque token for userinfo', async () => {
    const { token } = await codeFlow(app.issuer, app.agent(), profileOnly, {
      params: { scope: 'openid profile' },
    })
    expect(token.body.access_token).not.toContain('.')
    expect(token.body.refresh_token).toBeUndefined()
    const userinfo = await fetch(`${app.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${token.body.access_token}` },
    })
    expect(await userinfo.json()).toMatchObject({ name: 'Ada Lovelace', preferred_username: 'ada' })
  })

  test('several granted: the token request must choose', async () => {
    const params = { scope: 'openid read:orders read:stock', resource: [ORDERS, STOCK] }
    const refused = await codeFlow(app.issuer, app.agent(), ordersSpa, { params })
    expect(refused.token.body.error).toBe('invalid_target')
    const { token } = await codeFlow(app.issuer, app.agent(), ordersSpa, {
      params,
      token: { resource: STOCK },
    })
    expect(token.body).toMatchObject({ scope: 'read:stock' })
    expect(token.body.access_token).not.toContain('.')
  })

  test.each([
    ['unknown', 'https://nobody.example', 'invalid_target'],
    ['not an absolute URI', 'orders', 'invalid_target'],
    ['outside the ceiling', STOCK, 'invalid_target'],
  ])('a resource that is %s is refused', async (_name, resource, error) => {
    const page = await app.agent().get(authorizationRequest(app.issuer, ordersWeb, { resource }).url)
    expect(redirectOf(page).get('error')).toBe(error)
  })

  test.each(['read:nothing', 'read:stock'])('the scope %s is invalid_scope', async scope => {
    const page = await app
      .agent()
      .get(authorizationRequest(app.issuer, ordersWeb, { scope: `openid ${scope}` }).url)
    expect(redirectOf(page).get('error')).toBe('invalid_scope')
  })

  test('no scope: the default scope of the client', async () => {
    const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope: undefined } })
    expect(token.body.id_token).toBeDefined()
  })

  test('a JWT for a resource opens userinfo when its grant holds openid', async () => {
    const ask = async (scope: string, nonce: string | undefined) => {
      const { token } = await codeFlow(app.issuer, app.agent(), ordersWeb, { params: { scope, nonce } })
      return fetch(`${app.issuer}/userinfo`, {
        headers: { authorization: `Bearer ${token.body.access_token}` },
      })
    }
    const allowed = await ask('openid email read:orders', 'n')
    expect(await allowed.json()).toEqual({
      sub: expect.any(String),
      email: 'ada@example.com',
      email_verified: true,
    })
    const refused = await ask('read:orders', undefined)
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope')
  })
})
