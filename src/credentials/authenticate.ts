/**
 * Who claims a request. Three places: an explicit credential (a header that a program sets), a
 * certificate, a cookie. The first of these that is there is the credential, and its answer is final: never a fall-through
 * to the next kind. Two explicit ones are refused, since nobody can say which one counts. A resource that takes a
 * certificate and an explicit one together has its say in layers.ts.
 */
import type { Audit, Source } from '../audit/audit.ts'
import { isInTime } from '../http/client-certificate.ts'
import { invalidRequest, Problem } from '../http/problem.ts'
import type { RequestView } from '../http/request-view.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import type { Explain } from './checks.ts'
import type { Challenges, CredentialKind, Identity, Place, Verification, Wanted } from './kind.ts'
import { createLayers, type Presented } from './layers.ts'
import { ambiguousCredentials, type Refusals } from './refusals.ts'

export interface Acceptance {
  /** Names of the kinds this route takes; absent: every kind. */
  readonly kinds?: readonly string[]
  readonly wanted?: Wanted
  /** For the audit of a refusal. */
  readonly source?: Source
  /** The caller tries another reading of the same text when this one is not known: a 401 is then nothing to tell. */
  readonly tentative?: boolean
}

/** @throws Problem 400 `ambiguous_credentials`, 401, 403, 429 */
export type Authenticate = (request: RequestView, acceptance?: Acceptance) => Promise<Identity>

export function createAuthenticate({
  kinds,
  resources,
  refusals,
  audit,
}: {
  kinds: readonly CredentialKind[]
  resources: Pick<ResourceDirectory, 'find'>
  refusals: Refusals
  audit: Audit
}): Authenticate {
  const findDemand = createLayers({ resources, refusals })
  return async (request, { kinds: accepted, wanted: asked = {}, source, tentative } = {}) => {
    const wanted = withEvidence(asked, request)
    refuseTokenInQuery(request, wanted.explain)
    const demand = await findDemand(wanted.resource)
    const accepts = (kind: CredentialKind) =>
      (accepted === undefined || accepted.includes(kind.name)) && demand?.takes(kind) !== false
    const claimed = kinds.flatMap(kind => claimOf(kind, request))
    const at = (place: Place) => claimed.filter(({ kind }) => kind.place === place)

    const [explicit, second] = at('explicit')
    if (second) {
      wanted.explain?.({ name: 'presented', passed: false, detail: 'more than one explicit credential' })
      throw ambiguousCredentials()
    }
    const scheme = tokenScheme(request)
    // What a program sets by hand counts even where it is not taken: the caller meant it, not the cookie beside it.
    const isExplicit = explicit !== undefined || request.header('authorization') !== undefined
    const ambient = isExplicit ? [] : [...at('certificate'), ...at('cookie')]
    const chosen = [...(explicit ? [explicit] : []), ...ambient].find(({ kind }) => accepts(kind))

    const kind = chosen?.kind.name ?? (scheme ? 'a kind that nobody here takes' : 'none')
    const detail = `${kind}${besideIt(request)}`
    wanted.explain?.({ name: 'presented', passed: chosen !== undefined, detail })
    const nothing = () =>
      scheme
        ? refusals.invalidCredential('a kind that is not known or not taken here')
        : refusals.unauthenticated(kinds.filter(accepts).flatMap(kind => challengesOf(kind, request)))
    try {
      if (chosen?.kind.place === 'certificate') refuseOtherSite(request, refusals, wanted.explain)
      const [certificate] = at('certificate')
      if (demand) return await demand.verify({ request, wanted, chosen, certificate, nothing })
      if (chosen) return await chosen.verify(wanted)
      throw nothing()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const isTold = !wanted.explain && error.code !== 'unauthenticated'
      if (isTold && !(tentative && error.status === 401)) auditRefusal(audit, chosen?.kind, error, source)
      throw scheme === 'dpop' ? refusals.toldInDpop(error) : error
    }
  }
}

function challengesOf({ challenge = [] }: CredentialKind, request: RequestView): Challenges {
  return typeof challenge === 'function' ? challenge(request) : challenge
}

/**
 * A certificate that the client showed proves its key to every credential that is bound to one (RFC 8705, section 3), while
 * it is within its dates. Who issued it does not matter: the binding names this one.
 */
function withEvidence(wanted: Wanted, { certificate }: RequestView): Wanted {
  if (!certificate || !isInTime(certificate, new Date())) return wanted
  return { ...wanted, evidence: { 'x5t#S256': certificate.thumbprint, ...wanted.evidence } }
}

/** For an explanation: what is of no use. */
function besideIt({ certificate }: RequestView): string {
  if (!certificate || isInTime(certificate, new Date())) return ''
  return ', and a certificate that has expired or is not valid yet'
}

/** RFC 9110, section 9.2.1, as far as browsers send them. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A browser shows a certificate without being asked, as it sends a cookie: what may change something, and a connection that
 * stays open, must not come from a page of another origin. Not every browser says of every request which site it comes from
 * (of sockets hardly one), but the origin it says then. Programs say neither.
 */
function refuseOtherSite(request: RequestView, refusals: Refusals, explain?: Explain): void {
  const staysOpen = ['upgrade', 'sec-websocket-key'].some(name => request.header(name) !== undefined)
  if (SAFE.has(request.method) && !staysOpen) return
  const site = request.header('sec-fetch-site')
  const origin = request.header('origin')
  if (site === 'same-origin' || site === 'none') return
  if (site === undefined && (origin === undefined || isOriginOf(request, origin))) return
  const said = site === undefined ? `Origin: ${origin}` : `Sec-Fetch-Site: ${site}`
  explain?.({ name: 'site', passed: false, detail: `a page of another origin has sent it: ${said}` })
  throw refusals.fromAnotherSite(said)
}

/** Whoever asks about a request may know no more of its address than the path: then its Host says the rest. */
function isOriginOf(request: RequestView, origin: string): boolean {
  return origin === URL.parse(request.url)?.origin || origin === `https://${request.header('host')}`
}

/** Mine but broken is a claim as well: it competes, and if it is the one, its refusal is the answer. */
function claimOf(kind: CredentialKind, request: RequestView): Presented[] {
  try {
    const verify = kind.claim(request)
    return verify ? [{ kind, verify }] : []
  } catch (error) {
    const verify: Verification = async ({ explain }) => {
      const detail = error instanceof Problem ? (error.detail ?? error.message) : 'malformed'
      explain?.({ name: 'shape', passed: false, detail })
      throw error
    }
    return [{ kind, verify }]
  }
}

/**
 * RFC 6750, section 3: a scheme that nobody knows is no credential, a bearer token that nobody knows is a bad one. So is one
 * in the scheme DPoP (RFC 9449, section 7.1).
 */
function tokenScheme(request: RequestView): 'bearer' | 'dpop' | undefined {
  const [, scheme] = /^\s*(bearer|dpop)(?:\s|$)/i.exec(request.header('authorization') ?? '') ?? []
  if (scheme === undefined) return undefined
  return scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer'
}

/** URLs end up in logs, histories and referrers (RFC 9700, section 4.3.2). */
function refuseTokenInQuery({ url }: RequestView, explain?: Explain): void {
  const [, query = ''] = /^[^?#]*\?([^#]*)/.exec(url) ?? []
  if (query === '') return
  const fields = new URLSearchParams(query)
  if (!fields.has('access_token') && ![...fields.values()].some(value => looksMinted(value))) return
  explain?.({ name: 'presented', passed: false, detail: 'in the address' })
  throw invalidRequest('A token must not be in the address. Send it in the Authorization header.')
}

function auditRefusal(
  audit: Audit,
  kind: CredentialKind | undefined,
  { status, code, detail }: Problem,
  source?: Source,
): void {
  audit.recordLater({
    type: 'credential_refused',
    outcome: 'refused',
    actor: { type: 'anonymous' },
    ...(source && { source }),
    detail: {
      status,
      code,
      ...(detail !== undefined && { reason: detail }),
      ...(kind && { kind: kind.name }),
    },
  })
}
