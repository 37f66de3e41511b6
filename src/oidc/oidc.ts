/**
 * The oidc room: OAuth 2.0 and OpenID Connect through oidc-provider, the only folder that imports it. It owns the
 * provider's settings and storage, grants and consents, the browser session, and the pages of an authorization request.
 * It does not decide who may have which scope (resources/permission.ts), keep keys (keys) or check passwords (sign-in).
 * app.ts mounts `middleware` and hands the rest of `Oidc` to the rooms on the left.
 */

import compose from 'koa-compose'
import type { JWKS, Provider } from 'oidc-provider'
import type { Applications, BrowserSession, BrowserSessions } from '../accounts/browser-session.ts'
import type { AccessTokens } from '../credentials/access-token.ts'
import { verifierOfJwtAccessTokens } from '../credentials/jwt-access-token.ts'
import type { Middleware } from '../http/context.ts'
import type { Pages } from '../http/pages.ts'
import type { KeySet } from '../keys/signing-key-set.ts'
import { prepareAuthorizationRequest } from './authorization-request.ts'
import { createBrowserSessions } from './browser-sessions.ts'
import { buildProvider } from './build-provider.ts'
import { createApplications } from './consent.ts'
import type { OidcDeps } from './deps.ts'
import { refuseCostlyProofs } from './dpop.ts'
import { createMetadataClients } from './metadata-clients.ts'
import { sayWhatIsOffered } from './mutual-tls-offer.ts'
import { setJwtAside } from './presented-token.ts'
import { createProtocolPages } from './protocol-pages.tsx'
import { finishAnswers } from './provider-answers.ts'
import { onProviderPaths } from './provider-paths.ts'
import { type PublishedDocuments, publishFrom } from './published-documents.ts'
import { createRegistration } from './registration.ts'
import { nameResourcesAsRegistered } from './resource-parameter.ts'
import { askBeforeLeaving } from './self-registered.tsx'
import { findStoredAccessToken } from './stored-access-token.ts'
import { isGrantAlive } from './stores/grant-store.ts'
import { answerTooMany } from './unproved-requests.ts'

export interface Oidc {
  /** Answers the protocol endpoints; passes everything else on. */
  readonly middleware: Middleware
  readonly sessions: BrowserSessions
  readonly applications: Applications
  /** For the credential kinds, which see no context. */
  readonly findSession: (cookie: string) => Promise<BrowserSession | undefined>
  readonly accessTokens: AccessTokens
  /** The provider for the keys of now. */
  readonly provider: () => Provider
}

/** Paths whose POST bodies the provider reads; app.ts guards them with http/protocol-body.ts. */
export const PROTOCOL_PATHS: readonly string[] = [
  '/authorize',
  '/par',
  '/token',
  '/introspect',
  '/device_authorization',
  '/revoke',
  '/userinfo',
  '/end_session',
  '/end_session/confirm',
]

/** A provider and the keys it was made for: they change together. */
interface Generation {
  readonly keys: KeySet
  readonly provider: Provider
  readonly documents: PublishedDocuments
}

/**
 * Builds the provider for the signing keys. What signs or verifies goes by the keys of now: it waits for a new provider
 * when keys have changed. The rest takes the newest that there is.
 */
export async function createOidc(deps: OidcDeps, pages: Pages): Promise<Oidc> {
  const { config, db, signingKeys, csrf } = deps
  const protocolPages = createProtocolPages(pages)
  const verifyJwt = verifierOfJwtAccessTokens(config.issuer, async () => (await signingKeys.now()).publicKeys)

  function build(keys: KeySet): Generation {
    const jwks = { keys: keys.keys.map(({ privateJwk }) => privateJwk) } as JWKS
    const provider = buildProvider(deps, {
      jwks,
      retiredKeys: keys.retiredKeys,
      pages: protocolPages,
      verifyJwt,
      shell: pages,
    })
    return { keys, provider, documents: new Map() }
  }

  let current = build(await signingKeys.now())
  const now = async (): Promise<Generation> => {
    const keys = await signingKeys.now()
    if (current.keys !== keys) current = build(keys)
    return current
  }

  const prepare = compose([
    answerTooMany,
    refuseCostlyProofs,
    ...finishAnswers,
    sayWhatIsOffered(config),
    askBeforeLeaving({ clients: deps.clients, pages, issuer: config.issuer }),
    createMetadataClients(deps, () => current.provider),
    nameResourcesAsRegistered(deps.resources),
    prepareAuthorizationRequest(deps),
    setJwtAside,
  ])
  const onProvider = onProviderPaths(async (ctx, next) => {
    // The library's token guards this form; it is a form of ours all the same.
    if (ctx.path === '/end_session/confirm') csrf.checkOrigin(ctx)
    const { provider, documents } = await now()
    return publishFrom(documents)(ctx, () =>
      prepare(ctx, () => compose(provider.middleware)(ctx as never, next as never)),
    )
  })
  const registration = createRegistration(deps, () => current.provider)
  const { findByCookie, ...sessions } = createBrowserSessions(deps, () => current.provider)
  return {
    middleware: (ctx, next) => registration(ctx, async () => onProvider(ctx, next)),
    sessions,
    findSession: findByCookie,
    applications: createApplications(deps),
    accessTokens: {
      verifyJwt,
      findOpaque: async token => (await findStoredAccessToken(deps, token))?.issued,
      isGrantAlive: id => isGrantAlive(db, id),
    },
    provider: () => current.provider,
  }
}
