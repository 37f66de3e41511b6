/**
 * `ANY /v1/forward-auth/{nginx|traefik|caddy|envoy}`: a proxy asks, before it passes a request on, whether it may. Only
 * the proxies of TRUSTED_PROXIES are answered. The original request (forwarded-request.ts) is judged as every other, by
 * credentials/authenticate.ts; when it may pass, the API behind the proxy gets a signed identity
 * (keys/identity-token.ts), which nobody can make up. The body is never read: a digest that was signed is handed on.
 */
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { Authenticate } from '../credentials/authenticate.ts'
import type { CredentialKind, Identity, Place } from '../credentials/kind.ts'
import type { TrustedProxies } from '../http/client-address.ts'
import { type Context, type Middleware, sourceOf } from '../http/context.ts'
import { Problem, validationFailed } from '../http/problem.ts'
import { describeRequest, type RequestView, requestView } from '../http/request-view.ts'
import { problemOf } from '../http/respond.ts'
import { createIdentityTokens, type IdentityTokens } from '../keys/identity-token.ts'
import type { SigningKeySet } from '../keys/signing-key-set.ts'
import type { Resource } from '../resources/resource.ts'
import { registeredIdentifier } from '../resources/resource-address.ts'
import type { ResourcesByAddress } from '../resources/resource-by-address.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { FORWARD_AUTH_PATH, type ForwardAuthAddress, readForwardAuthAddress } from './forward-auth-address.ts'
import { letThrough, refuse, type Shown } from './forward-auth-answer.ts'
import { type OriginalRequest, readOriginalRequest } from './forwarded-request.ts'

export interface ForwardAuthDeps {
  readonly config: Pick<Config, 'issuer'>
  readonly proxies: TrustedProxies
  readonly kinds: readonly CredentialKind[]
  readonly authenticate: Authenticate
  readonly audit: Audit
  readonly resources: ResourceDirectory
  readonly byAddress: Pick<ResourcesByAddress, 'find'>
  readonly signingKeys: Pick<SigningKeySet, 'now'>
  /** Refuses a credential that came over http; what it lets through goes on. */
  readonly refusePlainHttp: Middleware
}

/** A request that was understood, as the credential kinds see it. */
interface Asked {
  readonly original: OriginalRequest
  readonly view: RequestView
  /** At the issuer's own address, where a person's session is. */
  readonly isOwn: boolean
}

interface Room extends ForwardAuthDeps {
  readonly issuer: string
  readonly identityTokens: IdentityTokens
}

export function createForwardAuth(given: ForwardAuthDeps): Middleware {
  const { proxies, refusePlainHttp, signingKeys } = given
  const { issuer } = given.config
  const deps = { ...given, issuer, identityTokens: createIdentityTokens({ issuer, signingKeys }) }
  return async (ctx, next) => {
    const [path = ''] = (ctx.req.url ?? '').split('?')
    if (!path.startsWith(FORWARD_AUTH_PATH)) return next()
    const peer = ctx.req.socket.remoteAddress ?? ''
    if (!proxies.has(peer))
      throw new Problem(403, 'access_denied', 'This is not allowed.', `${peer} is not in TRUSTED_PROXIES`)
    const address = readForwardAuthAddress(ctx.req.url ?? '')
    let asked: Asked | undefined
    try {
      asked = understand(deps, ctx, address)
      await refusePlainHttp(ctx, async () => undefined)
      const { token, identity } = await decide(deps, ctx, asked, address)
      letThrough(ctx, token, identity)
    } catch (error) {
      const problem = problemOf(error)
      if (problem.status >= 500) ctx.state.log.error({ err: error }, 'forward-auth failed')
      else ctx.state.log.info({ problem: problem.code, detail: problem.detail }, 'forward-auth refused')
      refuse(ctx, address.dialect, problem, asked ? shownTo(deps, asked, problem) : {})
    }
    return undefined
  }
}

function understand({ issuer }: Room, ctx: Context, { dialect, rest }: ForwardAuthAddress): Asked {
  const own = requestView(ctx)
  const usualScheme = issuer.startsWith('https:') ? 'https' : 'http'
  const original = readOriginalRequest(dialect, { method: ctx.method, rest, all: own.all }, usualScheme)
  const headers = own.headers.filter(([name]) => name.toLowerCase() !== 'host')
  const view = describeRequest({
    method: original.method,
    url: original.url,
    headers: [['Host', original.host], ...headers],
    address: own.address,
    certificate: own.certificate,
  })
  return { original, view, isOwn: original.origin === issuer }
}

async function decide(
  deps: Room,
  ctx: Context,
  { original, view, isOwn }: Asked,
  address: ForwardAuthAddress,
): Promise<{ token: string; identity: Identity }> {
  const { scopes, env, ...setup } = address.setup()
  const resource = await findResource(deps, original, setup.resource)
  const { identifier } = resource
  const wanted = { resource: identifier, scopes, ...(env !== undefined && { env }) }
  // A session is a cookie of the issuer's: at another host it is somebody else's word.
  const kinds = deps.kinds.filter(({ place }) => isOwn || place !== 'cookie').map(({ name }) => name)
  const identity = await deps.authenticate(view, { kinds, wanted, source: sourceOf(ctx) })
  if (placeOf(deps, identity) === 'cookie') checkSameOrigin(deps, ctx, view, identity)
  const claims = claimsOf(identity, original)
  const token = await deps.identityTokens.sign(resource.tokenSigningAlg, identifier, claims)
  return { token, identity }
}

const placeOf = ({ kinds }: Room, identity: Identity) =>
  kinds.find(({ name }) => name === identity.kind)?.place

/** @throws Problem 400 for one that the operator has set up and nobody knows, 403 when the address is of none */
async function findResource(
  { resources, byAddress }: Room,
  { url }: OriginalRequest,
  setUp: string | undefined,
): Promise<Resource> {
  const identifier =
    setUp === undefined ? await byAddress.find(url) : await registeredIdentifier(resources, setUp)
  const resource = identifier === undefined ? undefined : await resources.find(identifier)
  if (resource) return resource
  if (setUp !== undefined)
    throw validationFailed([{ path: 'resource', message: 'is not a resource of this server' }])
  throw new Problem(403, 'access_denied', 'No resource of this server has this address.')
}

/** RFC 9110, section 9.2.1, as far as browsers send them. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser sends a cookie without being asked: what may change something, and a connection that stays open, has to come
 * from a page of this origin.
 * @throws Problem 403
 */
function checkSameOrigin({ issuer, audit }: Room, ctx: Context, view: RequestView, { kind }: Identity): void {
  const staysOpen = view.header('upgrade') !== undefined || view.header('sec-websocket-key') !== undefined
  if (SAFE.has(view.method) && !staysOpen) return
  const site = view.header('sec-fetch-site')
  if (site === undefined ? view.header('origin') === issuer : site === 'same-origin') return
  const reason = `Sec-Fetch-Site: ${site ?? 'absent'}, Origin: ${view.header('origin') ?? 'absent'}`
  audit.recordLater({
    type: 'credential_refused',
    outcome: 'refused',
    actor: { type: 'anonymous' },
    source: sourceOf(ctx),
    detail: { status: 403, code: 'csrf_failed', reason, kind },
  })
  throw new Problem(403, 'csrf_failed', 'This request came from another site.', reason)
}

const seconds = (date: Date | undefined) => date && Math.floor(date.getTime() / 1000)

function claimsOf(identity: Identity, { method, host, path }: OriginalRequest) {
  const { subject, clientId, act, organization, kind, credentialId, scopes, env, acr, cnf } = identity
  return {
    sub: subject.id,
    subject_type: subject.type,
    client_id: clientId,
    act,
    organization,
    credential_kind: kind,
    credential_id: credentialId,
    credential_issued_at: seconds(identity.issuedAt),
    credential_expires_at: seconds(identity.expiresAt),
    scope: scopes.join(' '),
    env,
    acr,
    cnf,
    method,
    host,
    path,
    content_digest: identity.contentDigest,
  }
}

const LONGEST_WAY_BACK = 4096

/** A person is shown the way to sign in where that helps, and else a page. Programs get what every API of ours says. */
function shownTo({ issuer, kinds }: Room, { view, original, isOwn }: Asked, problem: Problem): Shown {
  if (!isNavigation(view)) return {}
  const isShown = (place: Place) => kinds.some(kind => kind.place === place && isClaimed(kind, view))
  const isByHand = view.header('authorization') !== undefined || isShown('explicit')
  // No session is a layer.
  const lacksPerson = problem.status === 401 && !isByHand && problem.members.missing_layer === undefined
  if (!lacksPerson) return { page: { issuer } }
  if (!isOwn) return { page: { issuer, host: original.host } }
  // Who has a good session that is not taken for this would be sent to and fro for ever.
  const isSignedIn = isShown('cookie') && problem.code !== 'invalid_token'
  if (isSignedIn || !SAFE.has(view.method)) return { page: { issuer } }
  const back = original.url.slice(original.origin.length)
  // What signing in would not go back to: escaped it would be more than a proxy takes in the headers of an answer.
  if (back.length > LONGEST_WAY_BACK) return { signIn: `${issuer}/sign-in` }
  return { signIn: `${issuer}/sign-in?${new URLSearchParams({ return_to: back })}` }
}

/** Fetch Metadata says it; who does not send that says what it would like to read. */
function isNavigation(view: RequestView): boolean {
  const mode = view.header('sec-fetch-mode')
  if (mode !== undefined) return mode === 'navigate'
  return /(?:^|,)\s*text\/html\s*(?:[,;]|$)/i.test(view.header('accept') ?? '')
}

function isClaimed(kind: CredentialKind, view: RequestView): boolean {
  try {
    return kind.claim(view) !== undefined
  } catch {
    // Its own, and broken.
    return true
  }
}
