// Applications register themselves with the libraries they are made with, and sign a person in.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { startApp, type TestApp } from '../support/app.ts'
import { answer } from '../support/authorization.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { INITIAL_ACCESS_TOKENS, INITIAL_TOKEN } from '../support/registration.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS })
})
afterAll(async () => app?.close())

const REDIRECT_URI = 'http://127.0.0.1:9125/callback'

/** As ada, in a browser without a screen. Returns where she was sent. */
async function authorize(url: URL): Promise<URL> {
  const agent = app.agent()
  const { location } = await answer(agent, await agent.get(url.href))
  if (location === undefined) throw new Error('no redirect to the client')
  return new URL(location)
}

test.each(['client_secret_basic', 'client_secret_post', 'none'])('openid-client, %s', async method => {
  const configuration = await openid.dynamicClientRegistration(
    new URL(app.issuer),
    {
      client_name: 'Made with openid-client',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: method,
      id_token_signed_response_alg: 'ES256',
    },
    undefined,
    { initialAccessToken: INITIAL_TOKEN, execute: [openid.allowInsecureRequests] },
  )
  const verifier = openid.randomPKCECodeVerifier()
  const landed = await authorize(
    openid.buildAuthorizationUrl(configuration, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid read:orders',
      resource: ORDERS,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }),
  )
  const tokens = await openid.authorizationCodeGrant(configuration, landed, {
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  })
  expect(tokens.claims()?.aud).toBe(configuration.clientMetadata().client_id)
  expect(tokens.scope).toBe('read:orders')
  const refreshed = await openid.refreshTokenGrant(configuration, tokens.refresh_token ?? '')
  expect(refreshed.access_token).toEqual(expect.any(String))
})

test('oauth4webapi', async () => {
  const local = { [oauth.allowInsecureRequests]: true }
  const issuer = new URL(app.issuer)
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, local))
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(
      server,
      { redirect_uris: [REDIRECT_URI], client_name: 'Made with oauth4webapi' },
      { ...local, initialAccessToken: INITIAL_TOKEN },
    ),
  )
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
  const url = new URL(server.authorization_endpoint ?? '')
  url.search = String(
    new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: 'openid email',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    }),
  )
  const parameters = oauth.validateAuthResponse(server, client, await authorize(url), state)
  const result = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.ClientSecretBasic(String(client.client_secret)),
      parameters,
      REDIRECT_URI,
      verifier,
      local,
    ),
    { requireIdToken: true },
  )
  expect(oauth.getValidatedIdTokenClaims(result)?.aud).toBe(client.client_id)

  const refused = await oauth.dynamicClientRegistrationRequest(
    server,
    { redirect_uris: ['http://app.example.com/'] },
    { ...local, initialAccessToken: INITIAL_TOKEN },
  )
  await expect(oauth.processDynamicClientRegistrationResponse(refused)).rejects.toMatchObject({
    error: 'invalid_redirect_uri',
    status: 400,
  })
})
