// The device grant (RFC 8628) as libraries ask for it.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { startApp, type TestApp } from '../support/app.ts'
import { decide, devicesFile, enterCode, kiosk, television } from '../support/devices.ts'
import { STOCK } from '../support/orders.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, devicesFile)
})
afterAll(() => app?.close())

test('openid-client connects one', async () => {
  const configuration = await openid.discovery(
    new URL(app.issuer),
    kiosk.client_id,
    undefined,
    openid.ClientSecretPost(kiosk.client_secret),
    { execute: [openid.allowInsecureRequests] },
  )
  expect(configuration.serverMetadata().device_authorization_endpoint).toBe(
    `${app.issuer}/device_authorization`,
  )
  const codes = await openid.initiateDeviceAuthorization(configuration, {
    scope: 'openid read:stock',
    resource: STOCK,
  })
  const agent = app.agent()
  await decide(agent, await enterCode(agent, codes.user_code), 'allow')
  const DPoP = openid.getDPoPHandle(configuration, await openid.randomDPoPKeyPair())
  const atOnce = { ...codes, interval: 0 }
  const tokens = await openid.pollDeviceAuthorizationGrant(configuration, atOnce, undefined, { DPoP })
  expect([tokens.token_type, tokens.scope]).toEqual(['dpop', 'read:stock'])
  expect(tokens.claims()).toMatchObject({ iss: app.issuer, aud: 'kiosk' })
  // It has no grant type for one.
  expect(tokens.refresh_token).toBeUndefined()
})

test('oauth4webapi connects one', async () => {
  const issuer = new URL(app.issuer)
  const insecure = { [oauth.allowInsecureRequests]: true }
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
  )
  const client = { client_id: television.client_id }
  const codes = await oauth.processDeviceAuthorizationResponse(
    server,
    client,
    await oauth.deviceAuthorizationRequest(server, client, oauth.None(), {}, insecure),
  )
  const exchange = async () =>
    oauth.processDeviceCodeResponse(
      server,
      client,
      await oauth.deviceCodeGrantRequest(server, client, oauth.None(), codes.device_code, insecure),
    )
  await expect(exchange()).rejects.toMatchObject({ error: 'authorization_pending' })
  const agent = app.agent()
  await decide(agent, await enterCode(agent, codes.user_code), 'allow')
  const tokens = await exchange()
  expect([tokens.token_type, tokens.scope]).toEqual(['bearer', 'read:orders'])
  expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ iss: app.issuer, aud: 'orders-tv' })
})
