// The same flow with a second client library, step by step: oauth4webapi checks every answer against the standards.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as oauth from 'oauth4webapi'
import { startApp, type TestApp } from '../support/app.ts'
import { answer } from '../support/authorization.ts'
import { BILLING_SECRET, CALLBACK, ORDERS, ordersFile, WEB_SECRET } from '../support/orders.ts'

let app: TestApp
let server: oauth.AuthorizationServer

/** Our issuer is http://localhost here. */
const local = { [oauth.allowInsecureRequests]: true }

beforeAll(async () => {
  app = await startApp({}, ordersFile)
  const issuer = new URL(app.issuer)
  server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, local))
})

afterAll(async () => app?.close())

const web: oauth.Client = { client_id: 'orders-web', id_token_signed_response_alg: 'ES256' }
const webSecret = oauth.ClientSecretBasic(WEB_SECRET)

/** As ada, in a browser without a screen. Returns where she was sent. */
async function authorize(parameters: Record<string, string>): Promise<URL> {
  const { authorization_endpoint: endpoint = '' } = server
  const agent = app.agent()
  const { location } = await answer(agent, await agent.get(`${endpoint}?${new URLSearchParams(parameters)}`))
  if (location === undefined) throw new Error('no redirect to the client')
  return new URL(location)
}

async function codeFlow(scope: string) {
  const [verifier, state, nonce] = [
    oauth.generateRandomCodeVerifier(),
    oauth.generateRandomState(),
    oauth.generateRandomNonce(),
  ]
  const landed = await authorize({
    client_id: web.client_id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope,
    resource: ORDERS,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  // Checks `state` and, as the server says that it sends it, `iss` (RFC 9207).
  const callback = oauth.validateAuthResponse(server, web, landed, state)
  const exchange = () =>
    oauth.authorizationCodeGrantRequest(server, web, webSecret, callback, CALLBACK, verifier, {
      ...local,
      additionalParameters: { resource: ORDERS },
    })
  const response = await exchange()
  const checks = { expectedNonce: nonce, requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(server, web, response, checks)
  return { tokens, exchange }
}

test('discovery says the same at both addresses', async () => {
  const issuer = new URL(app.issuer)
  const options = { ...local, algorithm: 'oauth2' } as const
  const other = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options))
  expect(other).toEqual(server)
  expect(server).toMatchObject({
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  })
})

test('code with PKCE, ID token, userinfo, refresh, introspection, revocation', async () => {
  const { tokens } = await codeFlow('openid profile read:orders')
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  const userinfo = await oauth.userInfoRequest(server, web, tokens.access_token, local)
  expect(await oauth.processUserInfoResponse(server, web, claims?.sub ?? '', userinfo)).toMatchObject({
    name: 'Ada Lovelace',
  })

  // RFC 9068, checked as an API would.
  const request = new Request('https://api.example.com/orders', {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  })
  const seen = await oauth.validateJwtAccessToken(server, request, ORDERS, {
    ...local,
    signingAlgorithms: ['ES256'],
  })
  expect(seen).toMatchObject({ sub: claims?.sub, client_id: 'orders-web', scope: 'read:orders' })

  const refresh = await oauth.refreshTokenGrantRequest(server, web, webSecret, tokens.refresh_token ?? '', {
    ...local,
    additionalParameters: { resource: ORDERS },
  })
  const renewed = await oauth.processRefreshTokenResponse(server, web, refresh)
  expect(renewed.refresh_token).not.toBe(tokens.refresh_token)

  const billing: oauth.Client = { client_id: 'billing' }
  const introspect = async (token: string) => {
    const auth = oauth.ClientSecretBasic(BILLING_SECRET)
    const response = await oauth.introspectionRequest(server, billing, auth, token, local)
    return oauth.processIntrospectionResponse(server, billing, response)
  }
  expect(await introspect(renewed.access_token)).toMatchObject({
    active: true,
    sub: claims?.sub,
    aud: ORDERS,
  })
  const revocation = await oauth.revocationRequest(server, web, webSecret, renewed.refresh_token ?? '', local)
  await oauth.processRevocationResponse(revocation)
  expect(await introspect(renewed.access_token)).toEqual({ active: false })
  expect(await introspect(tokens.access_token)).toEqual({ active: false })
})

test('a code used twice is refused and ends what it gave', async () => {
  const { tokens, exchange } = await codeFlow('openid read:orders')
  const again = oauth.processAuthorizationCodeResponse(server, web, await exchange())
  await expect(again).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
  const refresh = await oauth.refreshTokenGrantRequest(
    server,
    web,
    webSecret,
    tokens.refresh_token ?? '',
    local,
  )
  await expect(oauth.processRefreshTokenResponse(server, web, refresh)).rejects.toMatchObject({
    error: 'invalid_grant',
  })
})

describe('client credentials', () => {
  const billing: oauth.Client = { client_id: 'billing' }
  const ask = async (secret: string, parameters: Record<string, string>) => {
    const auth = oauth.ClientSecretBasic(secret)
    const response = await oauth.clientCredentialsGrantRequest(server, billing, auth, parameters, local)
    return oauth.processClientCredentialsResponse(server, billing, response)
  }

  test('give a token for the one resource there is', async () => {
    const tokens = await ask(BILLING_SECRET, { scope: 'read:orders' })
    expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'read:orders' })
    expect(tokens.refresh_token).toBeUndefined()
  })

  test('are refused with the standard words', async () => {
    await expect(ask('wrong', {})).rejects.toThrow(oauth.WWWAuthenticateChallengeError)
    await expect(ask(BILLING_SECRET, { scope: 'admin:orders' })).rejects.toMatchObject({
      error: 'invalid_scope',
    })
    await expect(ask(BILLING_SECRET, { resource: 'https://other.example' })).rejects.toMatchObject({
      error: 'invalid_target',
    })
  })
})
