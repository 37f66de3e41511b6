// Mutual TLS (RFC 8705) with client libraries that know it: over our own port for TLS, and behind nginx.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { calculateJwkThumbprint, decodeJwt, exportJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { startApp, type TestApp } from '../support/app.ts'
import { answer } from '../support/authorization.ts'
import { forgedHeaders } from '../support/certificate-headers.ts'
import { createAuthority, createSelfSigned, type Holder } from '../support/certificates.ts'
import { keyOf } from '../support/client-certificate-settings.ts'
import type { RunningProxy } from '../support/foreground.ts'
import { freePort } from '../support/free-port.ts'
import { clientKey, signingService } from '../support/keyholders.ts'
import { startNginx } from '../support/nginx.ts'
import { BILLING_SECRET, CALLBACK, ORDERS, ordersFile, STOCK } from '../support/orders.ts'
import { makeSigningSecret, signMessage, signSimply } from '../support/signing.ts'
import { fetchAs, SERVER, startTlsApp, type TlsApp, tlsFiles } from '../support/tls-app.ts'

const authority = createAuthority()
const billing = authority.issue({ names: [{ uri: 'spiffe://acme.example/billing' }] })
const web = authority.intermediate().issue({ subject: '/O=Acme/CN=web' })
const own = createSelfSigned()
const foreign = createSelfSigned({ names: [{ uri: 'spiffe://acme.example/billing' }] })

const BOUND = { tls_client_certificate_bound_access_tokens: true }
const CODE = {
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  resource_scopes: { [ORDERS]: ['read:orders'], [STOCK]: ['read:stock'] },
}
const service = {
  client_id: 'service',
  grant_types: ['client_credentials'],
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_auth_san_uri: 'spiffe://acme.example/billing',
  resource_scopes: { [ORDERS]: ['read:orders'] },
  introspect: [ORDERS],
  ...BOUND,
}
const { tls_client_certificate_bound_access_tokens: _, ...free } = service
const clients = [
  service,
  { ...free, client_id: 'free' },
  {
    ...CODE,
    client_id: 'web-by-name',
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=web,O=Acme',
    require_pushed_authorization_requests: true,
    ...BOUND,
  },
  { ...CODE, client_id: 'in-browsers', token_endpoint_auth_method: 'none', ...BOUND },
  {
    ...service,
    client_id: 'registered',
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    tls_client_auth_san_uri: undefined,
    jwks: { keys: [keyOf(own)] },
  },
  {
    ...service,
    client_id: 'with-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    tls_client_auth_san_uri: undefined,
    client_secret: BILLING_SECRET,
  },
]

const thumbprintOf = (token: string) =>
  (decodeJwt(token).cnf as Record<string, string> | undefined)?.['x5t#S256']

describe('over our own port for TLS', () => {
  let tls: TlsApp
  let app: TestApp
  let signer: Awaited<ReturnType<typeof clientKey>>
  beforeAll(async () => {
    signer = await clientKey('ES256')
    tls = await startTlsApp([authority], {
      ...ordersFile,
      clients: [...ordersFile.clients, ...clients, signingService(signer)],
    })
    ;({ app } = tls)
  })
  afterAll(() => tls?.close())

  async function connect(id: string, holder: Holder, how: openid.ClientAuth = openid.TlsClientAuth()) {
    const config = await openid.discovery(new URL(app.issuer), id, { use_mtls_endpoint_aliases: true }, how, {
      execute: [openid.allowInsecureRequests],
    })
    config[openid.customFetch] = fetchAs(holder) as openid.CustomFetch
    return config
  }

  it('discovery has the endpoints there, and nothing else moves', async () => {
    const server = (await connect('service', billing)).serverMetadata()
    const names = [
      'token',
      'revocation',
      'introspection',
      'pushed_authorization_request',
      'device_authorization',
      'userinfo',
    ]
    expect(server.mtls_endpoint_aliases).toEqual(
      Object.fromEntries(
        names.map(name => [
          `${name}_endpoint`,
          server[`${name}_endpoint`]?.toString().replace(app.issuer, tls.origin),
        ]),
      ),
    )
    expect(server.mtls_endpoint_aliases?.token_endpoint).toBe(`${tls.origin}/token`)
    expect(server.issuer).toBe(app.issuer)
    expect(server.tls_client_certificate_bound_access_tokens).toBe(true)
    expect(server.token_endpoint_auth_methods_supported).toEqual(
      expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
    )
    const there = await (await fetchAs(undefined)(`${tls.origin}/.well-known/openid-configuration`)).json()
    expect(there).toEqual(await (await fetch(`${app.issuer}/.well-known/openid-configuration`)).json())
  })

  it.each([
    ['by a name', 'service', billing, openid.TlsClientAuth()],
    ['registered', 'registered', own, openid.TlsClientAuth()],
    ['beside a secret', 'with-secret', own, openid.ClientSecretBasic(BILLING_SECRET)],
  ])(
    'openid-client, a service with a certificate %s: a token that is bound to it',
    async (_how, id, holder, how) => {
      const config = await connect(id, holder, how)
      const { access_token: token } = await openid.clientCredentialsGrant(config, {})
      expect(thumbprintOf(token)).toBe(holder.thumbprint)
      const introspected = await openid.tokenIntrospection(await connect('service', billing), token)
      expect(introspected).toMatchObject({ active: true, cnf: { 'x5t#S256': holder.thumbprint } })
      await openid.tokenRevocation(config, token)
      expect(await openid.tokenIntrospection(await connect('service', billing), token)).toEqual({
        active: false,
      })
    },
  )

  it("openid-client, at the issuer's own address: no certificate gets there", async () => {
    const config = await openid.discovery(new URL(app.issuer), 'service', undefined, openid.TlsClientAuth(), {
      execute: [openid.allowInsecureRequests],
    })
    await expect(openid.clientCredentialsGrant(config, {})).rejects.toMatchObject({ error: 'invalid_client' })
  })

  /** Answered by ada in a browser without a screen, at the issuer. */
  async function codeFlow(config: openid.Configuration, isPushed: boolean, resource: string, scope: string) {
    const verifier = openid.randomPKCECodeVerifier()
    const state = openid.randomState()
    const parameters = {
      redirect_uri: CALLBACK,
      scope,
      resource,
      state,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const url = isPushed
      ? await openid.buildAuthorizationUrlWithPAR(config, parameters)
      : openid.buildAuthorizationUrl(config, parameters)
    expect(url.origin).toBe(app.issuer)
    const agent = app.agent()
    const { location = '' } = await answer(agent, await agent.get(url.href))
    return openid.authorizationCodeGrant(config, new URL(location), {
      pkceCodeVerifier: verifier,
      expectedState: state,
    })
  }

  it.each([
    [
      'an application on a server, by the subject of its certificate, with PAR',
      'web-by-name',
      web,
      openid.TlsClientAuth(),
      true,
    ],
    ['one in browsers, with a certificate of the device', 'in-browsers', own, openid.None(), false],
  ])('openid-client, %s: code, userinfo, refresh', async (_what, id, holder, how, isPushed) => {
    const config = await connect(id, holder, how)
    const tokens = await codeFlow(config, isPushed, STOCK, 'openid read:stock')
    const sub = tokens.claims()?.sub ?? ''
    expect(await openid.fetchUserInfo(config, tokens.access_token, sub)).toMatchObject({ sub })
    const stolen = await connect(id, foreign, how)
    await expect(openid.fetchUserInfo(stolen, tokens.access_token, sub)).rejects.toThrow()
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(await openid.fetchUserInfo(config, refreshed.access_token, sub)).toMatchObject({ sub })
    await expect(openid.refreshTokenGrant(stolen, refreshed.refresh_token ?? '')).rejects.toMatchObject({
      // Whoever proves nothing is refused for the token's sake.
      error: isPushed ? 'invalid_client' : 'invalid_grant',
    })
  })

  it('openid-client, a certificate to authenticate and a DPoP key to bind: proofs are for the address that was asked', async () => {
    const config = await connect('free', billing)
    const keys = await openid.randomDPoPKeyPair('ES256')
    const DPoP = openid.getDPoPHandle(config, keys)
    const { access_token: token, token_type: type } = await openid.clientCredentialsGrant(
      config,
      {},
      { DPoP },
    )
    expect(type).toBe('dpop')
    expect(decodeJwt(token).cnf).toEqual({
      jkt: await calculateJwkThumbprint(await exportJWK(keys.publicKey)),
    })
    const self = new URL(`${tls.origin}/v1/credentials/self`)
    const answered = await openid.fetchProtectedResource(config, token, self, 'GET', undefined, undefined, {
      DPoP,
    })
    expect(await answered.json()).toMatchObject({ client_id: 'free' })
  })

  it.each([
    ['RFC 9421', signMessage],
    ['the simple profile', signSimply],
  ])('a signed request (%s) is for the address at which it is sent', async (_profile, signed) => {
    const signer = await makeSigningSecret(app)
    const send = async (from: string, to: string) => {
      const url = `${from}/v1/credentials/self`
      const headers = signed(signer, { url })
      return (await fetchAs(undefined)(url.replace(from, to), { headers })).status
    }
    expect(await send(tls.origin, tls.origin)).toBe(200)
    expect(await send(app.issuer, app.issuer)).toBe(200)
    expect(await send(tls.origin, app.issuer)).toBe(401)
    expect(await send(app.issuer, tls.origin)).toBe(401)
  })

  it('oauth4webapi, by the same means', async () => {
    const issuer = new URL(app.issuer)
    const local = { [oauth.allowInsecureRequests]: true }
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, local))
    const client: oauth.Client = { client_id: 'service', use_mtls_endpoint_aliases: true }
    const as = (holder: Holder) => ({ [oauth.customFetch]: fetchAs(holder) as never })
    const grant = async (holder: Holder) => {
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        oauth.TlsClientAuth(),
        new URLSearchParams(),
        as(holder),
      )
      return oauth.processClientCredentialsResponse(server, client, response)
    }
    const { access_token: token } = await grant(billing)
    expect(thumbprintOf(token)).toBe(billing.thumbprint)
    await expect(grant(foreign)).rejects.toMatchObject({ error: 'invalid_client' })
    const self = new URL(`${tls.origin}/v1/credentials/self`)
    const call = (holder: Holder) =>
      oauth.protectedResourceRequest(token, 'GET', self, undefined, undefined, as(holder))
    expect((await call(billing)).status).toBe(200)
    await expect(call(foreign)).rejects.toMatchObject({ status: 401 })
  })

  it.each(['the issuer', 'the endpoint there', 'the endpoint of the issuer'])(
    'an assertion may be for %s',
    async audience => {
      const aud = { 'the issuer': app.issuer, 'the endpoint there': `${tls.origin}/token` }[audience]
      const client = { client_id: 'signing-service', use_mtls_endpoint_aliases: true }
      const server: oauth.AuthorizationServer = {
        issuer: app.issuer,
        mtls_endpoint_aliases: { token_endpoint: `${tls.origin}/token` },
      }
      const signing = {
        key: signer.privateKey,
        kid: signer.publicJwk.kid ?? '',
        [oauth.modifyAssertion]: (_header: unknown, payload: Record<string, unknown>) => {
          payload.aud = aud ?? `${app.issuer}/token`
        },
      }
      const auth = oauth.PrivateKeyJwt(signing, signing)
      const options = { [oauth.customFetch]: fetchAs(undefined) as never }
      const response = await oauth.clientCredentialsGrantRequest(
        server,
        client,
        auth,
        new URLSearchParams(),
        options,
      )
      expect(response.status).toBe(200)
    },
  )
})

describe('behind nginx', () => {
  let app: TestApp
  let nginx: RunningProxy
  let origin: string
  const files = tlsFiles([authority])
  beforeAll(async () => {
    const port = await freePort()
    origin = `https://localhost:${port}`
    app = await startApp(
      {
        MTLS_ORIGIN: origin,
        TRUSTED_PROXIES: '127.0.0.1',
        CLIENT_CERTIFICATE_HEADER: 'nginx',
        TLS_CLIENT_CA: files.TLS_CLIENT_CA,
      },
      { ...ordersFile, clients: [...ordersFile.clients, ...clients] },
    )
    nginx = await startNginx({
      port,
      files: { 'server.pem': SERVER.cert, 'server-key.pem': SERVER.key },
      config: `server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate server.pem;
        ssl_certificate_key server-key.pem;
        ssl_verify_client optional_no_ca;
        location / {
          proxy_pass http://127.0.0.1:${app.config.port};
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header X-Forwarded-Proto https;
          proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
        }
      }`,
    })
  })
  afterAll(async () => {
    await nginx?.close()
    await app?.close()
    files.remove()
  })

  const grant = async (
    client_id: string,
    holder: Holder | undefined,
    headers: Record<string, string> = {},
  ) => {
    const body = new URLSearchParams({ client_id, grant_type: 'client_credentials' })
    const answered = await fetchAs(holder)(`${origin}/token`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    })
    return { status: answered.status, body: (await answered.json()) as Record<string, string> }
  }

  it.each([
    ['by a name', 'service', billing],
    ['registered', 'registered', own],
  ])('a certificate %s is whose it is, and the token is bound to it', async (_how, id, holder) => {
    const { status, body } = await grant(id, holder)
    expect(status).toBe(200)
    expect(thumbprintOf(body.access_token ?? '')).toBe(holder.thumbprint)
    const self = async (shown: Holder | undefined, more: Record<string, string> = {}) =>
      (
        await fetchAs(shown)(`${origin}/v1/credentials/self`, {
          headers: { authorization: `Bearer ${body.access_token}`, ...more },
        })
      ).status
    expect(await self(holder)).toBe(200)
    expect(await self(undefined)).toBe(401)
    expect(await self(foreign)).toBe(401)
    expect(await self(undefined, forgedHeaders(holder))).toBe(401)
  })

  it('the chain is checked here: nginx lets every certificate through', async () => {
    expect(await grant('service', foreign)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  it('forged headers change nothing', async () => {
    for (const holder of [undefined, foreign])
      expect(await grant('service', holder, forgedHeaders(billing))).toMatchObject({ status: 401 })
    expect(await grant('service', billing, forgedHeaders(foreign))).toMatchObject({ status: 200 })
  })

  it('discovery sends clients to it', async () => {
    const said = (await (await fetch(`${app.issuer}/.well-known/openid-configuration`)).json()) as {
      mtls_endpoint_aliases?: Record<string, string>
    }
    expect(said.mtls_endpoint_aliases?.token_endpoint).toBe(`${origin}/token`)
  })
})
