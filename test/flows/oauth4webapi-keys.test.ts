// Pushed requests, bound tokens and assertions with a second client library, every request by itself.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as oauth from 'oauth4webapi'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, redirectOf } from '../support/authorization.ts'
import {
  type ClientKey,
  careful,
  clientKey,
  KEYHOLDER_CALLBACK,
  signingService,
} from '../support/keyholders.ts'
import { CALLBACK, ORDERS, ordersFile } from '../support/orders.ts'

let app: TestApp
let server: oauth.AuthorizationServer
let key: ClientKey
let serviceKey: ClientKey

/** Our issuer is http://localhost here. */
const local = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: 'careful' }

beforeAll(async () => {
  key = await clientKey('ES256')
  serviceKey = await clientKey('RS256')
  const clients = [...ordersFile.clients, careful(key), signingService(serviceKey)]
  app = await startApp({}, { ...ordersFile, clients })
  const issuer = new URL(app.issuer)
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, local))
})
afterAll(async () => app?.close())

const assertion = () => oauth.PrivateKeyJwt({ key: key.privateKey, kid: key.publicJwk.kid ?? '' })

async function holder(alg = 'ES256'): Promise<oauth.DPoPHandle> {
  return oauth.DPoP(client, await oauth.generateKeyPair(alg))
}

/** Asks, and once more when the server wants its nonce in the proof. @returns the answer, and whether it asked for one */
async function withNonce<T>(ask: () => Promise<T>): Promise<{ answer: T; wasAsked: boolean }> {
  try {
    return { answer: await ask(), wasAsked: false }
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return { answer: await ask(), wasAsked: true }
  }
}

async function push(DPoP: oauth.DPoPHandle, parameters: Record<string, string>) {
  return withNonce(async () => {
    const response = await oauth.pushedAuthorizationRequest(server, client, assertion(), parameters, {
      ...local,
      DPoP,
    })
    return oauth.processPushedAuthorizationResponse(server, client, response)
  })
}

async function pushedFlow(DPoP: oauth.DPoPHandle, scope: string) {
  const [verifier, state, nonce] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
  ]
  const pushed = await push(DPoP, {
    redirect_uri: KEYHOLDER_CALLBACK,
    response_type: 'code',
    scope,
    resource: ORDERS,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  const { request_uri } = pushed.answer
  const query = new URLSearchParams({ client_id: client.client_id, request_uri })
  const agent = app.agent()
  const landed = await answer(agent, await agent.get(`${server.authorization_endpoint}?${query}`))
  const callback = oauth.validateAuthResponse(server, client, new URL(landed.location ?? ''), state)
  const exchange = (handle: oauth.DPoPHandle) => async () =>
    oauth.processAuthorizationCodeResponse(
      server,
      client,
      await oauth.authorizationCodeGrantRequest(
        server,
        client,
        assertion(),
        callback,
        KEYHOLDER_CALLBACK,
        verifier,
        { ...local, DPoP: handle },
      ),
      { expectedNonce: nonce, requireIdToken: true },
    )
  return { pushed, exchange, query, agent }
}

test('discovery has what these need', () => {
  expect(server).toMatchObject({
    pushed_authorization_request_endpoint: `${app.issuer}/par`,
    dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'Ed25519']),
    token_endpoint_auth_methods_supported: expect.arrayContaining(['private_key_jwt']),
    token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256', 'Ed25519']),
  })
})

/** What an API receives from this client. */
async function requestToApi(token: string, DPoP: oauth.DPoPHandle): Promise<Request> {
  let sent: Request | undefined
  await oauth.protectedResourceRequest(token, 'GET', new URL(`${ORDERS}/orders`), undefined, undefined, {
    DPoP,
    [oauth.customFetch]: async (url, { method, headers }) => {
      sent = new Request(url, { method, headers })
      return new Response()
    },
  })
  if (!sent) throw new Error('nothing was sent')
  return sent
}

test('PAR, PKCE, DPoP: the nonce is asked for once, then the whole flow goes', async () => {
  const DPoP = await holder('Ed25519')
  const { pushed, exchange } = await pushedFlow(DPoP, 'openid profile read:orders')
  expect(pushed.wasAsked).toBe(true)
  expect(pushed.answer.request_uri).toMatch(/^urn:ietf:params:oauth:request_uri:/)
  // The nonce of the first answer is good for what follows.
  const { answer: tokens, wasAsked } = await withNonce(exchange(DPoP))
  expect({ wasAsked, type: tokens.token_type }).toEqual({ wasAsked: false, type: 'dpop' })

  const checks = { ...local, signingAlgorithms: ['ES256', 'Ed25519'], requireDPoP: true }
  const atApi = await requestToApi(tokens.access_token, DPoP)
  expect(await oauth.validateJwtAccessToken(server, atApi, ORDERS, checks)).toMatchObject({
    cnf: { jkt: await DPoP.calculateThumbprint() },
    scope: 'read:orders',
  })
  const byThief = await requestToApi(tokens.access_token, await holder())
  await expect(oauth.validateJwtAccessToken(server, byThief, ORDERS, checks)).rejects.toThrow()

  const { sub = '' } = oauth.getValidatedIdTokenClaims(tokens) ?? {}
  const userinfo = await withNonce(async () => {
    const response = await oauth.userInfoRequest(server, client, tokens.access_token, { ...local, DPoP })
    return oauth.processUserInfoResponse(server, client, sub, response)
  })
  expect(userinfo.answer).toMatchObject({ sub, name: 'Ada Lovelace' })

  const refreshed = await withNonce(async () => {
    const options = { ...local, DPoP }
    const token = tokens.refresh_token ?? ''
    const response = await oauth.refreshTokenGrantRequest(server, client, assertion(), token, options)
    return oauth.processRefreshTokenResponse(server, client, response)
  })
  expect(refreshed.answer).toMatchObject({ token_type: 'dpop' })
  expect(refreshed.answer.refresh_token).not.toBe(tokens.refresh_token)
})

test('a code of a request that was pushed with one key is not exchanged with another', async () => {
  const DPoP = await holder()
  const { exchange } = await pushedFlow(DPoP, 'openid')
  await expect(withNonce(exchange(await holder()))).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('a pushed request is answered once', async () => {
  const { query, agent } = await pushedFlow(await holder(), 'openid')
  const again = redirectOf(await agent.get(`${server.authorization_endpoint}?${query}`))
  expect([again.get('error'), again.get('code')]).toEqual(['invalid_request_uri', null])
})

test("another client's pushed request is of no use", async () => {
  const pkce = { code_challenge: 'a'.repeat(43), code_challenge_method: 'S256' }
  const parameters = { response_type: 'code', redirect_uri: KEYHOLDER_CALLBACK, scope: 'openid' }
  const { answer: pushed } = await push(await holder(), { ...parameters, ...pkce })
  const query = new URLSearchParams({ client_id: 'orders-web', request_uri: pushed.request_uri })
  const opened = await app.agent().get(`${server.authorization_endpoint}?${query}`)
  // At the other client itself, which asked for it.
  expect(opened.location?.split('?')[0]).toBe(CALLBACK)
  expect(redirectOf(opened).get('error')).toBe('invalid_request_object')
})

describe('private_key_jwt', () => {
  const service: oauth.Client = { client_id: 'signing-service' }
  const grant = async (auth: oauth.ClientAuth) => {
    const parameters = { scope: 'read:orders', resource: ORDERS }
    const response = await oauth.clientCredentialsGrantRequest(server, service, auth, parameters, local)
    return oauth.processClientCredentialsResponse(server, service, response)
  }
  const signed = (changes: Record<string, oauth.JsonValue> = {}) =>
    oauth.PrivateKeyJwt(serviceKey.privateKey, {
      [oauth.modifyAssertion]: (_header, payload) => void Object.assign(payload, changes),
    })

  test('gets a token', async () => {
    expect(await grant(signed())).toMatchObject({ token_type: 'bearer', scope: 'read:orders' })
  })

  test.each([
    ['used before', { jti: 'the-same-each-time' }],
    ['for somebody else', { aud: 'https://other.example' }],
    ['of somebody else', { iss: 'careful' }],
    ['expired', { exp: 1_700_000_000 }],
    ['for a year', { exp: Math.floor(Date.now() / 1000) + 31_536_000 }],
  ])('an assertion %s is refused', async (name, changes) => {
    if (name === 'used before') await grant(signed(changes))
    await expect(grant(signed(changes))).rejects.toMatchObject({ status: 401, error: 'invalid_client' })
  })
})
