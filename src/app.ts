/**
 * The whole server, in the order a request meets it. Read this first.
 *
 * One list of middleware, then the rooms. A room answers what it owns and passes the rest on; what nobody answers is a
 * 404. Where a room on the left needs something from one on its right, it is handed over here.
 */
import Koa from 'koa'
import { createAccountPages } from './accounts/pages.tsx'
import { createRevokeEverythingPages } from './accounts/revoke-everything-pages.tsx'
import { accountRoutes } from './admin/accounts-api.ts'
import { adminLinkSweep } from './admin/admin-link.ts'
import { createAdminPages } from './admin/pages.tsx'
import { secretRoutes } from './admin/secrets-api.ts'
import { signingKeyRoutes } from './admin/signing-keys-api.ts'
import { auditSweep, createAudit } from './audit/audit.ts'
import { createClientDirectory } from './clients/client-directory.ts'
import { createClientUse } from './clients/client-use.ts'
import { createRegisteredOrigins } from './clients/registered-origins.ts'
import { revocableSecrets } from './clients/revocable-secrets.ts'
import type { Config } from './config.ts'
import { createApiCaller } from './credentials/api-caller.ts'
import { createAuthenticate } from './credentials/authenticate.ts'
import { createCredentials } from './credentials/credentials.ts'
import { credentialRoutes } from './credentials/credentials-api.ts'
import { personalAccessTokenRoutes } from './credentials/minted-api.ts'
import { createTokenPages } from './credentials/pages.tsx'
import { rateLimitSweep } from './credentials/rate-limit.ts'
import { replaySweep } from './credentials/replay.ts'
import { renameInCredentials } from './credentials/resource-in-credentials.ts'
import { revocableClientCredentials } from './credentials/revocable-client-credentials.ts'
import { revocableClientTokens, revocableJwt } from './credentials/revocable-client-tokens.ts'
import { revocableMinted } from './credentials/revocable-minted.ts'
import { usageSweep } from './credentials/usage.ts'
import { changeLogSweep, createChangeLog } from './db/change-log.ts'
import type { Db } from './db/connect.ts'
import { createNodes, nodeSweep } from './db/nodes.ts'
import { createOutbox, outboxSweep } from './db/outbox.ts'
import { createSweeper } from './db/sweep.ts'
import { apiKeyRoutes } from './developer/api-keys-api.ts'
import { clientCertificateRoutes } from './developer/client-certificates-api.ts'
import { clientRoutes } from './developer/clients-api.ts'
import { organizationRoutes } from './developer/organizations-api.ts'
import { createDeveloperPages } from './developer/pages.ts'
import { resourceRoutes } from './developer/resources-api.ts'
import { revocationRoutes } from './developer/revocations-api.ts'
import { signingSecretRoutes } from './developer/signing-secrets-api.ts'
import { usageRoutes } from './developer/usage-api.ts'
import { createApi } from './http/api.ts'
import { createAssets } from './http/assets.ts'
import { certificateHeaderNames } from './http/certificate-header.ts'
import { createTrustedProxies, forwarding } from './http/client-address.ts'
import type { Middleware, State } from './http/context.ts'
import { cookieKeys, cookieNames } from './http/cookies.ts'
import { CLIENTS_PATHS, cors, onlyRegistered } from './http/cors.ts'
import { createCsrf } from './http/csrf.ts'
import { headers } from './http/headers.ts'
import { createHealth } from './http/health.ts'
import { host } from './http/host.ts'
import { defineOrigin } from './http/issuer-request.ts'
import { createOutbound } from './http/outbound.ts'
import { createPages } from './http/pages.ts'
import { limitBody } from './http/protocol-body.ts'
import { requestTarget } from './http/request-target.ts'
import { logAppErrors, respond } from './http/respond.ts'
import { shownCertificate } from './http/shown-certificate.ts'
import { createTls, type Tls } from './http/tls.ts'
import {
  findBlocksOfEndedClients,
  findBlocksOfEndedIssuance,
  findRevokedTokens,
} from './keys/revoked-indexes.ts'
import { createSigningKeySet } from './keys/signing-key-set.ts'
import { createSigningKeyWorker } from './keys/signing-key-worker.ts'
import { ensureSigningKeys } from './keys/signing-keys.ts'
import { createStatusIndexes } from './keys/status-indexes.ts'
import { createStatusLists, statusSweep } from './keys/status-lists.ts'
import { findLeakedClientSecrets } from './leaks/leaked-client-secret.ts'
import { findLeakedMinted } from './leaks/leaked-minted.ts'
import { findLeakedTokens } from './leaks/leaked-token.ts'
import { createLeaks, LEAK_REPORT } from './leaks/leaks.ts'
import { leakRoutes } from './leaks/leaks-api.ts'
import { refusePlainHttp } from './leaks/plain-http.ts'
import type { Logger } from './log.ts'
import { createMail, MAIL } from './mail/mail.ts'
import { BACKCHANNEL_LOGOUT, createBackchannelLogout } from './oidc/backchannel-logout.ts'
import type { WrapStore } from './oidc/deps.ts'
import { createDevicePages } from './oidc/device-pages.tsx'
import { createDpopNonces } from './oidc/dpop.ts'
import { findTokensOfEndedSources } from './oidc/exchanged-token.ts'
import { createInteractionPages } from './oidc/interaction-pages.tsx'
import { LIFETIME } from './oidc/lifetimes.ts'
import { createOidc, PROTOCOL_PATHS } from './oidc/oidc.ts'
import { renameInConsent } from './oidc/rename-resource.ts'
import {
  revocableAccessTokens,
  revocableDeviceCodes,
  revocableGrants,
  revocableSessions,
} from './oidc/revocable.ts'
import { findTokensOfEndedGrants } from './oidc/revoked-grant-indexes.ts'
import { oidcSweep } from './oidc/sweep.ts'
import { unusedClientSweep } from './oidc/unused-clients.ts'
import { ensureOwnResource } from './resources/own-resource.ts'
import { createResourcesByAddress } from './resources/resource-by-address.ts'
import { createResourceDirectory } from './resources/resource-directory.ts'
import { createEndMatching } from './revocation/end-matching.ts'
import { createRevocations, revocationSweep } from './revocation/revocation.ts'
import type { Keyring } from './secrets/keyring.ts'
import { deviceSweep } from './sign-in/device.ts'
import { invitationSweep } from './sign-in/invitation.ts'
import { createSignInPages } from './sign-in/pages.tsx'
import { createRecentSignIn } from './sign-in/recent-sign-in.tsx'
import { createThrottle, throttleSweep } from './sign-in/throttle.ts'
import { createForwardAuth } from './verify/forward-auth.ts'
import { verifyRoutes } from './verify/verify-routes.ts'

export interface AppDeps {
  readonly config: Config
  /** Migrated. */
  readonly db: Db
  readonly keyring: Keyring
  readonly log: Logger
  readonly wrapStore?: WrapStore | undefined
}

export interface App {
  readonly koa: Koa<State>
  /** The files of TLS, as they are in use. */
  readonly tls: Tls
  /** From now on `/health/ready` says no. */
  drain(): void
  /** Ends what runs beside requests and writes what is still in memory. The database stays open. */
  stop(): Promise<void>
}

/** Our own API as a resource. Safe to repeat: a declarative file may name it, and is applied before there is a server. */
export function prepareOwnResource(db: Db, issuer: string): Promise<void> {
  return ensureOwnResource(db, issuer, [renameInCredentials, renameInConsent])
}

/** Puts the server together and starts what runs beside requests. It does not listen. */
export async function createApp({ config, db, keyring, log, wrapStore }: AppDeps): Promise<App> {
  // Ground
  const tls = createTls(config, log)
  const changeLog = createChangeLog({ db, log })
  const nodes = createNodes({ db, changeLog, log })
  const sweeper = createSweeper({ db, log })
  const outbound = createOutbound({ allow: config.outboundAllow, log })
  const cookies = cookieNames(config.issuer)
  const csrf = createCsrf({ keyring, cookies, issuer: config.issuer })
  const assets = createAssets(config)
  const pages = createPages({ config, assets, csrf })
  const health = createHealth({
    checks: {
      database: () => db.selectNoFrom(eb => eb.lit(1).as('one')).execute(),
      change_log: async () => {
        if (!changeLog.isFresh()) throw new Error('the change log has not been read for a while')
      },
    },
  })

  // Rooms, from left to right
  const audit = createAudit({ db, log })
  const revocations = createRevocations({ db, changeLog })
  const clients = createClientDirectory({ db, changeLog })
  const clientUse = createClientUse({ db, log })
  const resources = createResourceDirectory({ db, changeLog })
  const byAddress = createResourcesByAddress({ db, changeLog })
  const origins = createRegisteredOrigins({ db, changeLog })
  await changeLog.start()
  await nodes.start()
  await revocations.start()
  await ensureSigningKeys(db, keyring)
  await prepareOwnResource(db, config.issuer)
  await changeLog.catchUp()
  await resources.preload()
  const signingKeys = createSigningKeySet({ db, keyring, changeLog, log })
  const ground = { config, db, keyring, log, audit, changeLog, cookies, csrf, pages, outbound }
  const judged = { ...ground, revocations, clients, resources, signingKeys }
  const credentials = createCredentials({ ...judged, nonces: createDpopNonces(keyring) })
  const { minted, clientCredentials, signingSecrets, refusals } = credentials
  const takeIndex = createStatusIndexes({ db, issuer: config.issuer, log, changeLog })
  const revoked = [
    findRevokedTokens,
    findBlocksOfEndedClients,
    findBlocksOfEndedIssuance,
    findTokensOfEndedGrants,
    findTokensOfEndedSources,
  ]
  const statusLists = createStatusLists({ ...ground, issuer: config.issuer, revoked })
  const oidcDeps = {
    ...judged,
    wrapStore,
    clientUse,
    takeIndex,
    clientAuthorities: tls.clientAuthorities,
    minted: { ...credentials.introspection, revoke: minted.revoke },
    verifyMinted: credentials.verifyMinted,
    origins: credentials.origins,
  }
  const oidc = await createOidc(oidcDeps, pages)
  const { sessions, applications, accessTokens, findSession } = oidc
  const logout = createBackchannelLogout(oidcDeps)
  const mail = createMail({ config, keyring })
  const leaks = createLeaks({
    ...ground,
    mail,
    finders: [
      findLeakedMinted({ db, keyring, minted }),
      findLeakedTokens({ ...oidcDeps, accessTokens }),
      findLeakedClientSecrets(ground),
    ],
  })
  const outbox = createOutbox({
    db,
    log,
    handlers: { [BACKCHANNEL_LOGOUT]: logout.deliver, [LEAK_REPORT]: leaks.deliver, [MAIL]: mail.deliver },
    givenUp: { [BACKCHANNEL_LOGOUT]: logout.givenUp },
  })
  const ownResource = `${config.issuer}/v1`
  const kinds = credentials.kinds({ ...oidcDeps, ownResource, accessTokens, findSession })
  const authenticate = createAuthenticate({ kinds, resources, refusals, audit })
  const endMatching = createEndMatching({
    ...ground,
    // Whoever holds a session can make the rest anew, so that ends first.
    revocables: [
      revocableSessions(judged),
      revocableDeviceCodes(judged),
      revocableGrants(judged),
      revocableAccessTokens(judged),
      revocableClientTokens(judged),
      revocableJwt(judged),
      ...revocableMinted(judged),
      ...revocableClientCredentials(judged),
      ...revocableSecrets(judged),
    ],
  })
  const developer = { ...ground, revocations, ownResource, endMatching, clientCredentials, signingSecrets }
  const rotation = {
    ...ground,
    longestTokenLifetime: LIFETIME.idToken,
    longestSession: LIFETIME.sessionAbsolute,
  }
  const recentSignIn = createRecentSignIn({ ...ground, sessions })
  const personPages = { ...ground, sessions, recentSignIn, resources, minted, ownResource }
  const api = createApi({
    db,
    issuer: config.issuer,
    authenticate: createApiCaller({ authenticate, csrf, ownResource }),
    routes: [
      ...credentialRoutes({ ...ground, revocations, minted, clientCredentials, sessions }),
      ...verifyRoutes({ issuer: config.issuer, ownResource, authenticate, clients, resources }),
      ...personalAccessTokenRoutes({ db, minted }),
      ...apiKeyRoutes({ db, minted }),
      ...signingSecretRoutes({ db, signingSecrets, clientCredentials }),
      ...clientCertificateRoutes(developer),
      ...clientRoutes(developer),
      ...resourceRoutes(developer),
      ...organizationRoutes(developer),
      ...usageRoutes(developer),
      ...revocationRoutes(developer),
      ...accountRoutes(developer),
      ...signingKeyRoutes(rotation),
      ...secretRoutes(ground),
      ...leakRoutes({ leaks, throttle: createThrottle({ db, keyring }) }),
    ],
  })
  const rooms = [
    api,
    createSignInPages({ ...ground, sessions }),
    createInteractionPages({ ...oidcDeps, sessions, provider: oidc.provider }),
    createDevicePages({ ...oidcDeps, sessions, recentSignIn }),
    createAccountPages({ ...ground, sessions, applications }),
    createRevokeEverythingPages({ ...personPages, applications, endMatching }),
    createTokenPages(personPages),
    createDeveloperPages({ ...developer, ...personPages }),
    createAdminPages({ ...developer, ...personPages }),
  ]

  const proxies = createTrustedProxies(config.trustedProxies)
  const plainHttp = refusePlainHttp({
    leaks,
    cookies,
    apiKeyHeader: config.apiKeyHeader,
    protocolPaths: PROTOCOL_PATHS,
  })
  const asked = { proxies, kinds, authenticate, byAddress, refusePlainHttp: plainHttp }
  const forwardAuth = createForwardAuth({ ...judged, ...asked })

  // The request's way
  const dialect = config.clientCertificateHeader
  const koa = new Koa<State>()
  defineOrigin(koa, config.issuer)
  koa.keys = cookieKeys(keyring)
  logAppErrors(koa, log)
  for (const middleware of [
    forwarding(proxies, dialect && certificateHeaderNames(dialect)),
    respond({ log, pages }),
    headers(config),
    requestTarget(config),
    host(config),
    health.serve,
    assets.serve,
    shownCertificate({ proxies, dialect }),
    onPaths(PROTOCOL_PATHS, limitBody()),
    statusLists.serve,
    forwardAuth,
    plainHttp,
    onPaths(CLIENTS_PATHS, onlyRegistered(origins.has)),
    oidc.middleware,
    cors(origins.has, config.apiKeyHeader === undefined ? [] : [config.apiKeyHeader]),
    ...rooms.flatMap(router => [router.routes() as Middleware, router.allowedMethods() as Middleware]),
  ])
    koa.use(middleware)

  sweeper.register(
    auditSweep,
    changeLogSweep,
    nodeSweep,
    outboxSweep,
    revocationSweep,
    throttleSweep,
    deviceSweep,
    invitationSweep,
    adminLinkSweep,
    rateLimitSweep,
    replaySweep,
    ...statusSweep,
    ...usageSweep,
    ...oidcSweep,
    unusedClientSweep(oidcDeps),
  )
  const keyWorker = createSigningKeyWorker(rotation)
  for (const worker of [audit, outbox, sweeper, credentials, clientUse, keyWorker]) worker.start()

  return {
    koa,
    tls,
    drain: () => health.drain(),
    async stop() {
      tls.stop()
      await Promise.all(
        [sweeper, outbox, credentials, clientUse, keyWorker, leaks].map(worker => worker.stop()),
      )
      await audit.stop()
      await nodes.stop()
      await changeLog.stop()
      clients.close()
      resources.close()
      byAddress.close()
      origins.close()
      statusLists.close()
      signingKeys.close()
    },
  }
}

function onPaths(paths: readonly string[], middleware: Middleware): Middleware {
  return (ctx, next) => (paths.includes(ctx.path) ? middleware(ctx, next) : next())
}
