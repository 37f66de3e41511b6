/**
 * Token exchange (RFC 8693): a client shows a credential that it was given, and gets an access token for one resource that
 * may do less and lives for minutes. It speaks for the same subject, says who acts (`act`), is bounded by what it came of
 * and ends with it (credentials/exchanged.ts). docs/decisions/0032 says what is taken and why.
 */
import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider'
import {
  checkDpopReplay,
  checkDpopRequired,
  checkMtlsCert,
  type ShownDpop,
  validateDpop,
} from 'oidc-provider/lib/helpers/grants.js'
import type { Client } from '../clients/client.ts'
import { TOKEN_EXCHANGE } from '../clients/client-schema.ts'
import { exchangesOf } from '../credentials/exchanged.ts'
import type { VerifyJwtAccessToken } from '../credentials/jwt-access-token.ts'
import { looksLikeJwt } from '../credentials/jwt-access-token.ts'
import type { Confirmation } from '../credentials/kind.ts'
import { type Context, sourceOf } from '../http/context.ts'
import { clientScopes } from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'
import { registeredIdentifier } from '../resources/resource-address.ts'
import type { Reference } from '../revocation/revocation.ts'
import type { OidcDeps } from './deps.ts'
import { type BadSubject, createJudgeSubject, type ExchangeSubject } from './exchange-subject.ts'
import { rememberExchanged } from './exchanged-token.ts'
import { certificateOf } from './mutual-tls.ts'
import { asAnswer } from './outage.ts'
import { describeServer } from './resource-policy.ts'

const TYPE = 'urn:ietf:params:oauth:token-type:'
/** Of API keys and personal tokens too: they are what one calls an API with. */
const ACCESS_TOKEN = `${TYPE}access_token`
const JWT = `${TYPE}jwt`

const PARAMETERS = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'actor_token',
  'actor_token_type',
  'resource',
  'audience',
  'scope',
]
const REPEATABLE = ['resource', 'audience']

/** Seconds. */
const MOST_LIFETIME = 300
/** One after the other, of tokens that were exchanged before. */
const MOST_EXCHANGES = 4
const MOST_TARGETS = 20

interface Parameters {
  readonly subject_token?: string
  readonly subject_token_type?: string
  readonly requested_token_type?: string
  readonly actor_token?: string
  readonly actor_token_type?: string
  readonly audience?: string | string[]
}

type GrantContext = TokenEndpointGrantContext<Parameters>

export function registerTokenExchange(
  provider: Provider,
  deps: OidcDeps,
  verifyJwt: VerifyJwtAccessToken,
): void {
  const { clients, resources } = deps
  const judgeSubject = createJudgeSubject(deps, verifyJwt)

  /** The client's own ceiling there; never the part that people open to clients which registered themselves. */
  async function findTarget(
    client: Client,
    { resource = [], audience = [] }: GrantContext['oidc']['params'],
  ): Promise<{ resource: Resource; ceiling: ReadonlySet<string> }> {
    const named = [resource, audience].flat()
    if (named.length > MOST_TARGETS) throw new errors.InvalidTarget('an access token is for one resource')
    const asked = named.length > 0 ? named : [...client.ceiling.keys()]
    const registered = new Set(await Promise.all(asked.map(one => registeredIdentifier(resources, one))))
    const [identifier, another] = registered
    if (identifier === undefined || another !== undefined)
      throw new errors.InvalidTarget('an access token is for one resource: name it')
    const found = await resources.find(identifier)
    const ceiling = found && clientScopes(client, found)
    // The same answer for a resource that does not exist and one that is not for this client.
    if (!found || !ceiling || ceiling.size === 0)
      throw new errors.InvalidTarget('resource is not for this client')
    // What may make credentials would make some that outlive it, and the one that it came of.
    if (found.builtIn) throw new errors.InvalidTarget('tokens for this server are not exchanged')
    // Beside what comes of it would be this client's certificate, and nobody would ever ask for that of the subject's.
    if (found.layers.length > 0)
      throw new errors.InvalidTarget('what this resource takes beside a certificate is not exchanged')
    return { resource: found, ceiling }
  }

  async function clientOf({ oidc }: GrantContext): Promise<Client> {
    const client = await clients.find(oidc.client.clientId)
    if (!client) throw new errors.InvalidClient('client is gone')
    const isOurs = client.registration === 'operator' && client.tokenEndpointAuthMethod !== 'none'
    if (!isOurs) throw new errors.UnauthorizedClient('token exchange is not for this client')
    return client
  }

  async function judge(
    ctx: GrantContext,
    resource: Resource,
    evidence: Confirmation,
  ): Promise<ExchangeSubject> {
    const { subject_token: token = '', subject_token_type: type } = ctx.oidc.params
    const { address, userAgent } = sourceOf(ctx as unknown as Context)
    const shown = {
      resource: resource.identifier,
      evidence,
      ...(address !== undefined && { address }),
      ...(userAgent !== undefined && { userAgent }),
    }
    if (type === JWT && !looksLikeJwt(token)) throw refused(ctx, { bad: 'subject', reason: 'no JWT' })
    const found = await judgeSubject(token, shown)
    if ('bad' in found) throw refused(ctx, found)
    if (exchangesOf(found.act) >= MOST_EXCHANGES)
      throw refused(ctx, { bad: 'other_resource', reason: 'exchanged too often' })
    return found
  }

  async function exchange(ctx: GrantContext): Promise<void> {
    checkShape(ctx.oidc.params)
    const client = await clientOf(ctx)
    const dpop = await validateDpop(provider, ctx)
    checkDpopRequired(provider, ctx, dpop)
    const isBound = checkMtlsCert(provider, ctx) !== undefined
    const evidence = evidenceOf(ctx, dpop)
    const { resource, ceiling } = await findTarget(client, ctx.oidc.params)
    const asked = ctx.oidc.params.scope?.split(' ').filter(Boolean) ?? []
    const unknown = asked.find(scope => !ceiling.has(scope))
    if (unknown !== undefined) throw new errors.InvalidScope('requested scope is not allowed', unknown)

    const subject = await judge(ctx, resource, evidence)
    const wanted = asked.length > 0 ? new Set(asked) : ceiling
    const scopes = subject.scopes.filter(scope => wanted.has(scope))
    if (scopes.length === 0)
      throw asked.length > 0
        ? new errors.InvalidScope('the subject token has none of these scopes now', asked.join(' '))
        : new errors.InvalidTarget('the subject token may do nothing there that this client may')
    await checkDpopReplay(provider, ctx, dpop, client.clientId)

    const token = new provider.ClientCredentials({
      client: ctx.oidc.client,
      scope: scopes.join(' '),
      expiresIn: lifetimeOf(ctx, resource, subject),
      resourceServer: new provider.ResourceServer(
        resource.identifier,
        // An API that verifies JWTs by itself would not keep these limits: it is made to ask.
        describeServer(subject.isLimited ? { ...resource, tokenFormat: 'opaque' } : resource, ceiling),
      ),
    })
    Object.assign(token, bindingOf(evidence, subject.cnf, isBound))
    rememberExchanged(token, {
      subject: subject.subject,
      act: { sub: client.clientId, ...(subject.act && { act: subject.act }) },
      sources: oncePerThing(subject.sources),
      ...(subject.env !== undefined && { env: subject.env }),
    })
    ctx.oidc.entity('ClientCredentials', token)
    noteExchange(ctx, subject)
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: token.tokenType,
      expires_in: token.expiration,
      scope: token.scope,
    }
  }

  const answer = (ctx: GrantContext) =>
    exchange(ctx).catch(error => {
      throw asAnswer(error)
    })
  provider.registerGrantType<Parameters>(TOKEN_EXCHANGE, answer, PARAMETERS, REPEATABLE)
}

/** @throws errors.InvalidRequest for what RFC 8693 allows and this server does not do, too */
function checkShape(params: GrantContext['oidc']['params']): void {
  const wrong = (message: string) => new errors.InvalidRequest(message)
  for (const name of ['subject_token', 'subject_token_type'] as const)
    if (!params[name]) throw wrong(`missing required parameter '${name}'`)
  if (params.subject_token_type !== ACCESS_TOKEN && params.subject_token_type !== JWT)
    throw wrong(`subject_token_type must be ${ACCESS_TOKEN} or ${JWT}`)
  if (params.requested_token_type !== undefined && params.requested_token_type !== ACCESS_TOKEN)
    throw wrong(`requested_token_type must be ${ACCESS_TOKEN}`)
  if (params.actor_token !== undefined || params.actor_token_type !== undefined)
    throw wrong('actor_token is not taken: the client is who acts')
}

/** RFC 8693, section 2.2.2: whatever is wrong with the subject token, the answer is the same. */
function refused(ctx: GrantContext, { bad, reason, problem }: BadSubject): Error {
  if (bad === 'other_resource') return new errors.InvalidTarget('the subject token is not for this', reason)
  if (bad === 'subject') return new errors.InvalidRequest('subject_token is not valid', 400, reason)
  for (const [name, value] of Object.entries(problem?.headers ?? {})) ctx.set(name, value)
  const slowly = new errors.CustomOIDCProviderError('rate_limited', 'the subject token was used too often')
  return Object.assign(slowly, { status: 429, statusCode: 429 })
}

/** The keys that the request has shown. */
function evidenceOf(ctx: GrantContext, dpop: ShownDpop | undefined): Confirmation {
  const certificate = certificateOf(ctx)
  return {
    ...(dpop && { jkt: dpop.thumbprint }),
    ...(certificate && { 'x5t#S256': certificate.thumbprint }),
  }
}

/** To what the subject token is bound to, and to what the client's own tokens would be. */
function bindingOf(evidence: Confirmation, cnf: Confirmation = {}, mustBeCertified: boolean): Confirmation {
  const { jkt, 'x5t#S256': x5t } = evidence
  const isCertified = mustBeCertified || cnf['x5t#S256'] !== undefined
  return { ...(jkt !== undefined && { jkt }), ...(isCertified && x5t !== undefined && { 'x5t#S256': x5t }) }
}

function lifetimeOf(ctx: GrantContext, resource: Resource, { expiresAt }: ExchangeSubject): number {
  const left = expiresAt ? Math.floor((expiresAt.getTime() - Date.now()) / 1000) : MOST_LIFETIME
  if (left < 1) throw refused(ctx, { bad: 'subject', reason: 'it expires now' })
  return Math.min(MOST_LIFETIME, resource.accessTokenLifetime, left)
}

/** Of two times of issue the earlier ends sooner. */
function oncePerThing(sources: readonly Reference[]): Reference[] {
  const once = new Map<string, Reference>()
  for (const source of sources) {
    const key = `${source.kind} ${source.id}`
    const known = once.get(key)
    if (!known?.issuedAt || (source.issuedAt && source.issuedAt < known.issuedAt)) once.set(key, source)
  }
  return [...once.values()]
}

const exchanges = new WeakMap<object, ExchangeSubject>()

function noteExchange(ctx: object, subject: ExchangeSubject): void {
  exchanges.set(ctx, subject)
}

/** What the request under way has exchanged, for the audit. */
export const exchangedIn = (ctx: object): ExchangeSubject | undefined => exchanges.get(ctx)
