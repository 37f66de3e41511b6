/**
 * One oidc-provider instance for one set of signing keys. Making one takes a millisecond or two; when the keys change a
 * new one takes its place (oidc.ts), and what people are in the middle of lives in the database.
 */
import { decodeProtectedHeader, type JWK } from 'jose'
import { type JWKS, Provider, type Client as ProviderClient } from 'oidc-provider'
import instance from 'oidc-provider/lib/helpers/weak_cache.js'
import { verifyClientSecret } from '../clients/client-secret.ts'
import { rehashClientSecret } from '../clients/rehash-client-secret.ts'
import type { VerifyJwtAccessToken } from '../credentials/jwt-access-token.ts'
import { defineOrigin } from '../http/issuer-request.ts'
import type { Pages } from '../http/pages.ts'
import { SIGNING_ALGS } from '../secrets/signing-alg.ts'
import { randomToken } from '../secrets/token.ts'
import type { OidcDeps } from './deps.ts'
import { takeNoncesOfAllSecrets } from './dpop.ts'
import { listenToProvider } from './listen.ts'
import { takeWhatWasSignedForEither } from './mtls-origin.ts'
import type { ProtocolPages } from './protocol-pages.ts'
import { deriveSuccessor, rotatedToken } from './refresh-successor.ts'
import { askBeforeAnswering } from './self-registered.tsx'
import { sessionIdFor } from './session-id.ts'
import { providerSettings } from './settings.ts'
import { refuseReplays } from './stores/replay-detection-store.ts'
import { registerTokenExchange } from './token-exchange.ts'

export function buildProvider(
  deps: OidcDeps,
  parts: {
    jwks: JWKS
    /** Public ones, which are not published. */
    retiredKeys: readonly JWK[]
    pages: ProtocolPages
    verifyJwt: VerifyJwtAccessToken
    shell: Pick<Pages, 'render'>
  },
): Provider {
  const { config, keyring, clients } = deps
  const provider = new Provider(config.issuer, providerSettings(deps, parts))
  defineOrigin(provider, config.issuer)

  // The library holds one secret in clear; ours are several, hashed, and expire.
  provider.Client.prototype.compareClientSecret = async function compareClientSecret(actual) {
    const client = await clients.find(this.clientId)
    if (client === undefined || !verifyClientSecret(keyring, client, actual, new Date())) return false
    await rehashClientSecret(deps, client, actual)
    return true
  }

  // The library would destroy the old id and write the new one: for us that is one row, updated (session-store.ts). It
  // does so whenever somebody has answered anything; here only a sign-in changes the cookie, so that one tab's consent
  // does not take the session from under a request of another.
  provider.Session.prototype.resetIdentifier = function resetIdentifier() {
    const { oidc } = Provider.ctx ?? {}
    if (oidc?.route === 'resume' && !oidc.result?.login) return
    Object.assign(this, { jti: randomToken(), touched: true })
  }

  // The library keeps a random one in the session's document, where parallel tabs lose each other's.
  provider.Session.prototype.sidFor = function sidFor(clientId) {
    return sessionIdFor(this.uid, clientId)
  }
  // Whoever is told of a session's end is told which one.
  provider.Client.prototype.includeSid = function includeSid() {
    return this.backchannelLogoutUri !== undefined
  }
  // Not while a person waits, and not only once: backchannel-logout.ts.
  provider.Client.prototype.backchannelLogout = () => Promise.resolve()

  // Not in the library's types: the value of a new refresh token.
  const refreshTokens: object & { generateTokenId?: () => string } = provider.RefreshToken.prototype as object
  refreshTokens.generateTokenId = () => {
    const rotated = rotatedToken()
    const spent = Provider.ctx?.oidc.entities.RotatedRefreshToken
    return rotated && spent ? deriveSuccessor(keyring, rotated.keyId, spent.jti) : randomToken()
  }

  // A session outlives the keys that its ID tokens were signed with. They stand last: none of them signs.
  for (const key of parts.retiredKeys) instance(provider).keystore.add(key)

  // An id_token_hint may be older than the client's choice of algorithm; the library takes that of now only.
  const { IdToken } = provider
  const { validate } = IdToken
  IdToken.validate = async (jwt, client) => validate(jwt, withAlgOf(jwt, client))

  // A token that opens /userinfo only may have no scope of its resource: then the answer has no `scope`, as an empty one
  // is not allowed (RFC 6749, section 3.3).
  provider.use(async (ctx, next) => {
    await next()
    const body: unknown = ctx.body
    if (ctx.path === '/token' && isRecord(body) && body.scope === '') delete body.scope
  })

  takeNoncesOfAllSecrets(provider, keyring)
  takeWhatWasSignedForEither(provider)
  registerTokenExchange(provider, deps, parts.verifyJwt)
  refuseReplays(provider)
  askBeforeAnswering(provider, { clients, pages: parts.shell })
  listenToProvider(provider, deps)
  return provider
}

/** The client as if it had chosen the algorithm of this JWT, where that is one of ours. */
function withAlgOf(jwt: string, client: ProviderClient): ProviderClient {
  const { alg } = decodeProtectedHeader(jwt)
  const ours = SIGNING_ALGS.find(one => one === alg)
  return ours ? Object.create(client, { idTokenSignedResponseAlg: { value: ours } }) : client
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
