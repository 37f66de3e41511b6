/**
 * `latchkey/verifier`: who is calling an API, and may they do this? What a Node server imports, so it knows nothing of
 * Latchkey but its public endpoints. A JWT access token is judged here, with the published keys and status lists
 * (access-token.ts, status-lists.ts, dpop-proof.ts); everything else is asked of `POST /v1/verify` (asking.ts). When
 * something that is needed cannot be had, nobody is let in. README.md beside this file is for its users.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { type AccessToken, accessTokens } from './access-token.ts'
import { asking, type Question } from './asking.ts'
import { type DpopProof, dpopNonces, readDpopProof, spentProofs } from './dpop-proof.ts'
import { forwardedIdentity } from './forwarded-identity.ts'
import type { Confirmation, Identity } from './identity.ts'
import { type Credentials, ownCredential } from './own-credential.ts'
import { findPresented, type PresentedCredential, refusalsFor } from './presented-credential.ts'
import { type PresentedRequest, webRequest } from './presented-request.ts'
import { publishedKeys } from './published-keys.ts'
import type { Fetch } from './reach.ts'
import { type Refusals, refusalsOf, Unavailable } from './refusal.ts'
import { compareBody, mayBeSigned } from './signed-body.ts'
import { statusLists } from './status-lists.ts'
import { checkedOptions } from './verifier-options.ts'

export type * from './identity.ts'
export type { Credentials } from './own-credential.ts'
export { type NodeRequest, nodeRequest, type PresentedRequest } from './presented-request.ts'
export { type AnswerHeader, type ProblemBody, Refusal, Unavailable } from './refusal.ts'

export interface VerifierOptions {
  /** Latchkey's ISSUER. */
  readonly issuer: string
  /** This API's identifier, letter by letter as Latchkey has it: the audience of its tokens. */
  readonly resource: string
  /** Where callers think they are: scheme, host, port. Left out: the origin of `resource`, when that is a URL. */
  readonly origin?: string
  /** To ask about what cannot be judged here. Left out: JWT access tokens are the only way in. */
  readonly credentials?: Credentials
  /** The operator's API_KEY_HEADER, when there is one. */
  readonly apiKeyHeader?: string
  /** Refuse JWTs that have no status list reference: those cannot be revoked for this API. Default: false. */
  readonly requireStatus?: boolean
  /** How long a good answer of Latchkey is kept: 0 to 60, default 2. A bad one: 1 at most. */
  readonly cacheSeconds?: number
  /** How much longer it is used while Latchkey cannot be reached: 0 to 300, default 0. */
  readonly maxStaleSeconds?: number
  /** How much longer than their cache headers say Latchkey's keys are used while it cannot be reached: default 3600. */
  readonly maxStaleKeysSeconds?: number
  /** Between this clock and Latchkey's: 0 to 60, default 15. */
  readonly clockToleranceSeconds?: number
  readonly dpop?: {
    /** How old a proof may be: 1 to 300, default 60. */
    readonly maxAgeSeconds?: number
    /** Proofs need a nonce of this API. With several processes give them one secret of 32 bytes. Default: false. */
    readonly nonces?: boolean | Uint8Array
    /** Proofs that are remembered at most: 100,000. With more at a time the answer is 503. */
    readonly mostRemembered?: number
  }
  /** JWTs and answers that are remembered at most, each: default 10,000; 0: none. */
  readonly mostRemembered?: number
  /** In the place of the global one: for a proxy, or a CA of your own. */
  readonly fetch?: Fetch
  /**
   * This API is behind a proxy that asks Latchkey about every request (forward-auth). Who it is stands in `X-Auth-Identity`,
   * and nothing else counts. `prefix` is what the proxy cuts off the path.
   */
  readonly forwardAuth?: boolean | { readonly prefix?: string }
  /** Milliseconds since 1970. */
  readonly now?: () => number
  /** Is told of what went wrong with Latchkey. Default: `process.emitWarning`, once in ten seconds at most. */
  readonly report?: (error: unknown) => void
}

/** What the caller has to be allowed, and what only you know of the connection. */
export interface Wanted {
  /** All of them are needed. */
  readonly scopes?: readonly string[]
  /** Only keys and personal tokens of this environment. */
  readonly env?: string
  /** Where the request came from, as you or your proxy know: for credentials with an address list. */
  readonly address?: string
  /** The client's certificate, in PEM: for credentials that are bound to one (RFC 8705). */
  readonly certificate?: string
  /** As it came: compared with a digest that was signed. Left out: a web `Request` has a copy of its own. */
  readonly body?: Uint8Array
}

export interface Verifier {
  /**
   * @returns who it is, and that it may do this
   * @throws Refusal to relay: `error.toResponse()`; it is an `Unavailable` (503) when it cannot be decided
   */
  verify(request: Request | PresentedRequest, wanted?: Wanted): Promise<Identity>
  /**
   * You have heard that something was revoked: what is kept about this credential (without an id: about all) is forgotten,
   * and keys and status lists are fetched again before they are next used.
   */
  forget(credentialId?: string): void
}

const CLOCK_SLACK_MS = 1_000

/** @throws TypeError for options that cannot be meant */
export function createVerifier(options: VerifierOptions): Verifier {
  const settings = checkedOptions(options)
  const { issuer, resource, origin, apiKeyHeader, fetch, now, report, tolerance, most, dpop } = settings
  const keys = publishedKeys({ issuer, fetch, now, report, maxStaleMs: settings.maxStaleKeysMs })
  const tokens = accessTokens({ issuer, resource, keys, most })
  const lists = statusLists({ issuer, keys, fetch, now, report })
  const nonces = dpop.nonces === false ? undefined : dpopNonces(now, dpop.nonces)
  const spent = spentProofs(now, dpop.keptMs + CLOCK_SLACK_MS, dpop.mostRemembered)
  const remote = settings.credentials && asking({ ...settings, own: ownOf(settings.credentials), most })

  const forwarded =
    settings.prefix === undefined
      ? undefined
      : forwardedIdentity({ issuer, resource, origin, prefix: settings.prefix, keys, now, tolerance })

  function ownOf(credentials: Credentials) {
    return ownCredential({ issuer, credentials, keys, fetch, now })
  }

  /** Undefined: not a JWT of Latchkey that is good now. Without a promise when keys and list are at hand. */
  function findGood(token: string): AccessToken | undefined | Promise<AccessToken | undefined> {
    const read = tokens.read(token)
    return read instanceof Promise ? read.then(goodNow) : goodNow(read)
  }

  function goodNow(
    read: AccessToken | undefined,
  ): AccessToken | undefined | Promise<AccessToken | undefined> {
    if (!read) return undefined
    const seconds = now() / 1000
    if (seconds >= read.exp + tolerance || seconds + tolerance < read.nbf) return undefined
    if (!read.status) return settings.requireStatus ? undefined : read
    const valid = lists.isValid(read.status)
    if (valid instanceof Promise) return valid.then(is => (is ? read : undefined))
    return valid ? read : undefined
  }

  /** In Latchkey's order: known, not ended, environment, audience, binding, scopes. */
  function check(
    { audiences, cnf, identity }: AccessToken,
    { scopes, env, certificate }: Question,
    refusals: Refusals,
    jkt?: string,
  ): void {
    if ((env ?? identity.env) !== (identity.env ?? env)) throw refusals.wrongEnvironment()
    if (!audiences.includes(resource)) throw refusals.wrongAudience()
    if (cnf && !isProved(cnf, certificate, jkt, now())) throw refusals.invalidCredential()
    if (!scopes.every(scope => identity.scopes.includes(scope))) throw refusals.insufficientScope(scopes)
  }

  function judgeBearer(token: string, question: Question, refusals: Refusals): Identity | Promise<Identity> {
    const judge = (good: AccessToken | undefined) => {
      if (!good) throw refusals.invalidCredential()
      check(good, question, refusals)
      return good.identity
    }
    const good = findGood(token)
    return good instanceof Promise ? good.then(judge) : judge(good)
  }

  /** The proof is judged first: what is said of it says nothing of the token. It is spent when all else is good. */
  async function judgeBound(
    request: PresentedRequest,
    presented: PresentedCredential,
    question: Question,
    refusals: Refusals,
  ): Promise<Identity> {
    const proof = await readDpopProof(request, origin, presented.credential)
    if ('mistake' in proof) throw refusals.invalidDpopProof(proof.mistake)
    if (nonces && !nonces.isGood(proof.nonce)) throw refusals.useDpopNonce(nonces.next())
    if (!nonces && !isRecent(proof)) {
      // Its clock may be wrong: Latchkey goes by its own nonce.
      if (!remote) throw refusals.invalidDpopProof('is too old or from the future: see its iat.')
      const identity = await remote.ask(request, presented, question)
      if (!spent.spend(proof)) throw refusals.invalidDpopProof(USED_BEFORE)
      return identity
    }
    const good = await findGood(presented.credential)
    if (!good?.cnf?.jkt) throw refusals.invalidCredential()
    check(good, question, refusals, proof.jkt)
    if (!spent.spend(proof)) throw refusals.invalidDpopProof(USED_BEFORE)
    const next = nonces?.next()
    if (next === undefined || next === proof.nonce) return good.identity
    return Object.freeze({ ...good.identity, answerHeaders: [['DPoP-Nonce', next] as const] })
  }

  function isRecent({ iat }: DpopProof): boolean {
    const age = now() / 1000 - iat
    return age <= dpop.maxAgeSeconds + tolerance && -age <= tolerance
  }

  function decide(request: PresentedRequest, question: Question): Identity | Promise<Identity> {
    if (forwarded) return forwarded(request, question)
    const presented = findPresented(issuer, request, apiKeyHeader)
    if (presented?.mayBeJwt) {
      const refusals = refusalsFor(issuer, presented)
      return presented.scheme === 'dpop'
        ? judgeBound(request, presented, question, refusals)
        : judgeBearer(presented.credential, question, refusals)
    }
    if (remote) return remote.ask(request, presented, question)
    const refusals = refusalsFor(issuer, presented)
    const isToken = presented && ['bearer', 'dpop', 'apikey', ''].includes(presented.scheme)
    throw isToken ? refusals.invalidCredential() : refusals.unauthenticated()
  }

  async function checkBody(identity: Identity, request: PresentedRequest, body: Uint8Array | undefined) {
    const compared = await compareBody(identity, request, body)
    if (compared === 'fits') return
    if (compared === 'not_seen')
      report(new Error('A signed request has a body that was not compared: give it to verify() as body'))
    throw refusalsOf(issuer, 'Bearer').invalidCredential()
  }

  return {
    async verify(request, { scopes = NONE, env, address, certificate, body } = {}) {
      const shown = 'target' in request ? request : webRequest(request)
      try {
        const identity = await decide(shown, { scopes, env, address, certificate })
        if (mayBeSigned(identity)) await checkBody(identity, shown, body)
        return identity
      } catch (error) {
        if (error instanceof Unavailable) report(error)
        throw error
      }
    },

    forget(credentialId) {
      remote?.forget(credentialId)
      lists.distrust()
      keys.distrust()
    },
  }
}

const USED_BEFORE = 'was used before: every request needs one of its own.'
const NONE: readonly string[] = Object.freeze([])

/** Every key it is bound to was shown, also of a sort that this version does not know: those never are. */
function isProved(
  cnf: Confirmation,
  certificate: string | undefined,
  jkt: string | undefined,
  now: number,
): boolean {
  const shown = new Map<string, unknown>([
    ['jkt', jkt],
    ['x5t#S256', certificate === undefined ? undefined : thumbprintOf(certificate, now)],
  ])
  return Object.entries(cnf).every(
    ([name, thumbprint]) => thumbprint !== undefined && shown.get(name) === thumbprint,
  )
}

/**
 * RFC 8705, section 3.1. Undefined when it has expired or is not valid yet: it proves nothing then.
 * @throws Error for what is no certificate
 */
function thumbprintOf(pem: string, now: number): string | undefined {
  const { raw, validFromDate, validToDate } = new X509Certificate(pem)
  const isInTime = validFromDate.getTime() <= now && now <= validToDate.getTime()
  return isInTime ? createHash('sha256').update(raw).digest('base64url') : undefined
}
