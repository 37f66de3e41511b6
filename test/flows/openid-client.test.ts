// What careful clients bring along, with openid-client: pushed requests, bound tokens, assertions instead of secrets.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { calculateJwkThumbprint, createRemoteJWKSet, exportJWK, jwtVerify } from 'jose'
import * as openid from 'openid-client'
import { startApp, type TestApp } from '../support/app.ts'
import { answer } from '../support/authorization.ts'
import {
  type ClientKey,
  careful,
  clientKey,
  inBrowsers,
  KEYHOLDER_CALLBACK,
  signingService,
} from '../support/keyholders.ts'
import { ORDERS, ordersFile, STOCK } from '../support/orders.ts'

let app: TestApp
let key: ClientKey
let serviceKey: ClientKey

beforeAll(async () => {
  key = await clientKey('ES256')
  serviceKey = await clientKey('Ed25519')
  const clients = [careful(key), inBrowsers, signingService(serviceKey)]
  app = await startApp({}, { ...ordersFile, clients: [...ordersFile.clients, ...clients] })
})
afterAll(async () => app?.close())

/** @param from the key that signs; undefined: a public client */
const connect = (clientId: string, from?: ClientKey) =>
  openid.discovery(
    new URL(app.issuer),
    clientId,
    undefined,
    from ? openid.PrivateKeyJwt(from.privateKey) : openid.None(),
    { execute: [openid.allowInsecureRequests] },
  )

interface Bound {
  readonly config: openid.Configuration
  readonly DPoP: openid.DPoPHandle
  readonly jkt: string
}

async function bind(config: openid.Configuration, alg = 'ES256'): Promise<Bound> {
  const keys = await openid.randomDPoPKeyPair(alg)
  const jkt = await calculateJwkThumbprint(await exportJWK(keys.publicKey))
  return { config, DPoP: openid.getDPoPHandle(config, keys), jkt }
}

/** Pushed, answered by ada in a browser without a screen, exchanged. */
async function codeFlow({ config, DPoP }: Bound, parameters: Record<string, string>) {
  const verifier = openid.randomPKCECodeVerifier()
  const [state, nonce] = [openid.randomState(), openid.randomNonce()]
  const url = await openid.buildAuthorizationUrlWithPAR(
    config,
    {
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      ...parameters,
    },
    { DPoP },
  )
  // All that the browser carries.
  expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
  const agent = app.agent()
  const { location = '' } = await answer(agent, await agent.get(url.href))
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
  return openid.authorizationCodeGrant(config, new URL(location), checks, {}, { DPoP })
}

describe('a confidential client with private_key_jwt that must push and bind', () => {
  test('PAR, PKCE, DPoP, userinfo, refresh', async () => {
    const bound = await bind(await connect('careful', key))
    const { config, DPoP, jkt } = bound
    const tokens = await codeFlow(bound, {
      redirect_uri: KEYHOLDER_CALLBACK,
      scope: 'openid profile read:orders',
      resource: ORDERS,
    })
    expect(tokens).toMatchObject({ token_type: 'dpop', refresh_token: expect.any(String) })

    const jwks = createRemoteJWKSet(new URL(`${app.issuer}/jwks`))
    const verify = (token: string) => jwtVerify(token, jwks, { issuer: app.issuer, audience: ORDERS })
    expect((await verify(tokens.access_token)).payload).toMatchObject({ cnf: { jkt }, scope: 'read:orders' })

    const { sub = '' } = tokens.claims() ?? {}
    expect(await openid.fetchUserInfo(config, tokens.access_token, sub, { DPoP })).toMatchObject({
      sub,
      name: 'Ada Lovelace',
    })
    // A thief has the token and not the key.
    for (const thief of [await bind(config), {}])
      await expect(openid.fetchUserInfo(config, tokens.access_token, sub, thief)).rejects.toMatchObject({
        status: 401,
      })

    const renewed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', {}, { DPoP })
    expect(renewed.token_type).toBe('dpop')
    expect((await verify(renewed.access_token)).payload).toMatchObject({ cnf: { jkt } })

    // This client proves who it is by its assertion, so its refresh token goes with any of its keys.
    const other = await bind(config, 'Ed25519')
    const again = await openid.refreshTokenGrant(config, renewed.refresh_token ?? '', {}, other)
    expect((await verify(again.access_token)).payload).toMatchObject({ cnf: { jkt: other.jkt } })
  })

  test('neither a request in the address nor a token without a key', async () => {
    const config = await connect('careful', key)
    const agent = app.agent()
    const parameters = { redirect_uri: KEYHOLDER_CALLBACK, scope: 'openid', state: 'some-state' }
    const verifier = openid.randomPKCECodeVerifier()
    const pkce = {
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const { href } = openid.buildAuthorizationUrl(config, { ...parameters, ...pkce })
    const { location = '' } = await agent.get(href)
    expect(new URL(location).searchParams.get('error')).toBe('invalid_request')

    const pushed = await openid.buildAuthorizationUrlWithPAR(config, { ...parameters, ...pkce })
    const arrived = new URL((await answer(agent, await agent.get(pushed.href))).location ?? '')
    const checks = { pkceCodeVerifier: verifier, expectedState: 'some-state' }
    await expect(openid.authorizationCodeGrant(config, arrived, checks)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('no one else’s key opens a door', async () => {
    const bound = await bind(await connect('careful', await clientKey('ES256')))
    const asked = codeFlow(bound, { redirect_uri: KEYHOLDER_CALLBACK, scope: 'openid' })
    await expect(asked).rejects.toMatchObject({ status: 401, error: 'invalid_client' })
  })
})

describe('a public client', () => {
  test('PAR, and a refresh token that only the key can use', async () => {
    const config = await connect('in-browsers')
    const bound = await bind(config)
    const { DPoP } = bound
    const tokens = await codeFlow(bound, {
      redirect_uri: inBrowsers.redirect_uris[0] ?? '',
      scope: 'openid read:stock',
      resource: STOCK,
    })
    expect(tokens.token_type).toBe('dpop')
    const refreshToken = tokens.refresh_token ?? ''
    for (const other of [await bind(config), {}])
      await expect(openid.refreshTokenGrant(config, refreshToken, {}, other)).rejects.toMatchObject({
        error: 'invalid_grant',
      })
    const renewed = await openid.refreshTokenGrant(config, refreshToken, {}, { DPoP })
    expect(renewed).toMatchObject({ token_type: 'dpop', scope: 'read:stock' })
    const { sub = '' } = tokens.claims() ?? {}
    expect(await openid.fetchUserInfo(config, renewed.access_token, sub, { DPoP })).toEqual({ sub })
  })
})

describe('a service with private_key_jwt', () => {
  test('client credentials, bound and not', async () => {
    const config = await connect('signing-service', serviceKey)
    const plain = await openid.clientCredentialsGrant(config, { scope: 'read:orders', resource: ORDERS })
    expect(plain.token_type).toBe('bearer')
    const { DPoP, jkt } = await bind(config, 'RS256')
    const bound = await openid.clientCredentialsGrant(config, { scope: 'read:orders' }, { DPoP })
    const { payload } = await jwtVerify(
      bound.access_token,
      createRemoteJWKSet(new URL(`${app.issuer}/jwks`)),
      { issuer: app.issuer, audience: ORDERS, typ: 'at+jwt' },
    )
    expect(payload).toMatchObject({ client_id: 'signing-service', cnf: { jkt } })
  })
})
