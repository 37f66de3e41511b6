/**
 * The library's settings. Every feature is said explicitly, on or off: what no part of the product has asked for is off
 * and absent from discovery (test/oidc/discovery.test.ts pins it).
 */
import { type Configuration, interactionPolicy, type JWKS, type KoaContextWithOIDC } from 'oidc-provider'
import { findAccount } from '../accounts/account.ts'
import { ASSERTION_ALGS, AUTH_METHODS } from '../clients/client-schema.ts'
import { DPOP_ALGS } from '../credentials/dpop-proof.ts'
import type { VerifyJwtAccessToken } from '../credentials/jwt-access-token.ts'
import { type Context, sourceOf } from '../http/context.ts'
import { cookieKeys, cookieOptions } from '../http/cookies.ts'
import { STATUS_LISTS_PATH } from '../keys/status-reference.ts'
import { SIGNING_ALGS, USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'
import { OPENID_SCOPES } from './access.ts'
import { ACR_PASSWORD, authenticationClaims } from './authentication-context.ts'
import { checkAssertion } from './client-assertion.ts'
import { createAdapter } from './create-adapter.ts'
import type { OidcDeps } from './deps.ts'
import { USER_CODE } from './device-code.ts'
import { dpopNonceSecret } from './dpop.ts'
import { claimsOfExchange } from './exchanged-token.ts'
import { createExistingGrantLoader } from './existing-grant.ts'
import { createKeyFetch } from './key-fetch.ts'
import { LIFETIME, sessionLifetime } from './lifetimes.ts'
import { mutualTls } from './mutual-tls.ts'
import { asAnswer } from './outage.ts'
import type { ProtocolPages } from './protocol-pages.ts'
import { createResourcePolicy, type ResourcePolicy } from './resource-policy.ts'
import { addStatus } from './status-indexes.ts'
import { mayIntrospect, mayRevoke } from './token-policy.ts'

const ON = { enabled: true } as const
const OFF = { enabled: false } as const

/** Infinity when there is no end. */
const secondsUntil = (exp = Number.POSITIVE_INFINITY) => exp - Math.floor(Date.now() / 1000)

function prompts({ checkScope }: ResourcePolicy) {
  const policy = interactionPolicy.base()
  // Runs before anybody is asked anything; a scope that cannot be had is an error, not a question.
  policy.get('login')?.checks.add(
    new interactionPolicy.Check('scope', 'requested scope is not allowed', async ctx => {
      await checkScope(ctx)
      return false
    }),
  )
  return policy
}

async function mustSignIn(
  policy: interactionPolicy.DefaultPolicy,
  ctx: KoaContextWithOIDC,
): Promise<boolean> {
  for (const { check } of policy.get('login')?.checks ?? []) if (await check(ctx)) return true
  return false
}

export function providerSettings(
  deps: OidcDeps,
  { jwks, pages, verifyJwt }: { jwks: JWKS; pages: ProtocolPages; verifyJwt: VerifyJwtAccessToken },
): Configuration {
  const { config, db, keyring, cookies, outbound } = deps
  const fetchKeys = createKeyFetch(outbound)
  const resourcePolicy = createResourcePolicy(deps)
  const policy = prompts(resourcePolicy)
  const { path: _path, ...shortCookie } = { ...cookieOptions(cookies), signed: true }

  return {
    adapter: createAdapter(deps, verifyJwt),
    jwks,
    routes: {
      authorization: '/authorize',
      code_verification: '/device',
      device_authorization: '/device_authorization',
      end_session: '/end_session',
      introspection: '/introspect',
      pushed_authorization_request: '/par',
      jwks: '/jwks',
      registration: '/register',
      revocation: '/revoke',
      token: '/token',
      userinfo: '/userinfo',
    },
    cookies: {
      names: { session: cookies.session, interaction: cookies.interaction, resume: cookies.resume },
      long: { ...shortCookie, path: '/' },
      // The library chooses the paths of these.
      short: shortCookie,
      keys: cookieKeys(keyring),
    },
    acrValues: [ACR_PASSWORD],
    scopes: OPENID_SCOPES,
    subjectTypes: ['public'],
    responseTypes: ['code'],
    clientAuthMethods: [...AUTH_METHODS],
    assertJwtClientAuthClaimsAndHeader: checkAssertion,
    clientDefaults: { id_token_signed_response_alg: USUAL_SIGNING_ALG, grant_types: [], response_types: [] },
    enabledJWA: {
      idTokenSigningAlgValues: [...SIGNING_ALGS],
      clientAuthSigningAlgValues: [...ASSERTION_ALGS],
      dPoPSigningAlgValues: [...DPOP_ALGS],
    },
    clockTolerance: 15,
    claims: {
      acr: null,
      amr: null,
      auth_time: null,
      iss: null,
      sid: null,
      openid: ['sub'],
      profile: ['name', 'preferred_username', 'updated_at'],
      email: ['email', 'email_verified'],
    },
    features: {
      attestClientAuth: OFF,
      backchannelLogout: ON,
      ciba: OFF,
      claimsParameter: OFF,
      clientCredentials: ON,
      clientIdMetadataDocument: OFF,
      deviceFlow: {
        ...ON,
        charset: USER_CODE.charset,
        mask: USER_CODE.mask,
        // Who asks, for the person to see. The pages are ours (device-pages.tsx), not the library's.
        deviceInfo: ctx => ({ ...sourceOf(ctx as unknown as Context) }),
      },
      devInteractions: OFF,
      // RFC 9449, section 8: every proof carries a nonce of ours. All nodes derive the same ones.
      dPoP: { ...ON, nonceSecret: dpopNonceSecret(keyring), requireNonce: () => true },
      encryption: OFF,
      externalSigningSupport: OFF,
      fapi: OFF,
      introspection: { ...ON, allowedPolicy: mayIntrospect(deps) },
      jwtIntrospection: OFF,
      jwtResponseModes: OFF,
      jwtUserinfo: OFF,
      mTLS: mutualTls(deps.clientAuthorities),
      openid4vci: OFF,
      pushedAuthorizationRequests: ON,
      // Only so that discovery names the address: registration.ts stands in front and answers there.
      registration: { enabled: config.clientRegistration !== 'closed' },
      registrationManagement: OFF,
      requestObjects: OFF,
      resourceIndicators: {
        ...ON,
        defaultResource: resourcePolicy.defaultResource,
        getResourceServerInfo: resourcePolicy.getResourceServerInfo,
        useGrantedResource: () => true,
      },
      revocation: { ...ON, allowedPolicy: mayRevoke },
      richAuthorizationRequests: OFF,
      rpInitiatedLogout: { ...ON, logoutSource: pages.signOut, postLogoutSuccessSource: pages.signedOut },
      rpMetadataChoices: OFF,
      userinfo: ON,
      webMessageResponseMode: OFF,
    },
    extraClientMetadata: { properties: ['require_pkce'] },
    pkce: {
      required: (_ctx, client) =>
        client.clientAuthMethod === 'none' || client.metadata().require_pkce !== false,
    },
    // Origins of the registered redirect URIs may call from a browser; introspection is for servers.
    clientBasedCORS: (ctx, origin, client) =>
      ctx.oidc.route !== 'introspection' &&
      ctx.oidc.route !== 'device_authorization' &&
      !!client.redirectUris?.some(uri => origin !== 'null' && URL.parse(uri)?.origin === origin),
    ttl: {
      // Not beyond its grant, with which it ends.
      AccessToken: (ctx, token) =>
        Math.max(
          1,
          Math.min(
            token.resourceServer?.accessTokenTTL ?? LIFETIME.opaqueAccessToken,
            secondsUntil(ctx.oidc.entities.Grant?.exp),
          ),
        ),
      ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? LIFETIME.opaqueAccessToken,
      AuthorizationCode: LIFETIME.authorizationCode,
      DeviceCode: LIFETIME.deviceCode,
      IdToken: LIFETIME.idToken,
      Interaction: LIFETIME.interaction,
      // Slides with every use, and ends for good some time after the first token of the family.
      RefreshToken: (_ctx, token) =>
        Math.max(
          1,
          Math.min(LIFETIME.refreshTokenIdle, LIFETIME.refreshTokenAbsolute - token.totalLifetime()),
        ),
      Session: (_ctx, session) => sessionLifetime(session.loginTs),
      Grant: LIFETIME.refreshTokenAbsolute,
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    // Bound to the session by the grant (stores/grant-store.ts), for JWTs too.
    expiresWithSession: () => false,
    // Revoking an access token ends that token; everything else the library revokes ends the grant.
    revokeGrantPolicy: ctx => !(ctx.oidc.route === 'revocation' && ctx.oidc.entities.AccessToken),
    formats: { customizers: { jwt: addStatus(deps) } },
    discovery: { status_list_aggregation_endpoint: `${config.issuer}${STATUS_LISTS_PATH}` },
    // RFC 9068, section 2.2.1; the grant, so that a resource server can tell which tokens belong together.
    extraTokenClaims: (ctx, token) => claimsOfExchange(token) ?? authenticationClaims(ctx, token),
    interactions: {
      policy,
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    loadExistingGrant: createExistingGrantLoader(deps, ctx => mustSignIn(policy, ctx)),
    findAccount: async (_ctx, id) => {
      const account = await findAccount(db, id).catch(error => {
        throw asAnswer(error)
      })
      if (!account || account.disabled) return undefined
      return {
        accountId: id,
        claims: () => ({
          sub: id,
          name: account.name,
          preferred_username: account.username,
          ...(account.email !== null && { email: account.email, email_verified: account.emailVerified }),
        }),
      }
    },
    ...(config.clientIdMetadataDocuments.length > 0 && {
      discovery: { client_id_metadata_document_supported: true },
    }),
    renderError: pages.error,
    // The library asks for addresses as text, and for nothing but keys.
    fetch: (url, init) => fetchKeys(String(url), init),
  }
}
