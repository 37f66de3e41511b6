/**
 * The answers to a request that is not let in (RFC 6750, section 3; RFC 9449, section 7.1). Unknown,
 * mistyped, expired, revoked and disabled look the same outside; `reason` is for the log and the audit only.
 */
import { Problem } from '../http/problem.ts'
import type { RequestView } from '../http/request-view.ts'
import { rateHeaders } from './credential-headers.ts'
import { DPOP_ALGS } from './dpop-proof.ts'
import type { RateState } from './rate-limit.ts'

export interface Refusals {
  /** For a kind whose credentials travel in `Authorization: Bearer`. */
  readonly bearerChallenge: string
  /** For a kind whose credentials may be bound to a key, and travel in `Authorization: DPoP`. */
  readonly dpopChallenge: string
  /**
   * For a kind whose credentials travel in `Authorization: Basic` (RFC 7617). Nothing for a request that a browser makes: it
   * would ask the person for a name and a password in a dialog of its own.
   */
  basicChallenge(request: Pick<RequestView, 'header'>): readonly string[]
  /** 401: nothing was presented that anybody here takes. No error code. */
  unauthenticated(challenges: readonly string[]): Problem
  /** 401: presented, but bad. */
  invalidCredential(reason: string): Problem
  /** 401: the proof beside it is not good for this request. `mistake` goes on after "The DPoP proof ". */
  invalidDpopProof(mistake: string): Problem
  /** 401: the proof lacks a nonce that is recent enough; this is one. */
  useDpopNonce(nonce: string): Problem
  /** The same refusal, for a request whose credential came in the scheme DPoP. */
  toldInDpop(refusal: Problem): Problem
  /** 403: good, but not for this. `scopes` is all that is needed (RFC 6750, section 3). */
  insufficientScope(scopes: readonly string[]): Problem
  /** 403: issued for another resource. */
  wrongAudience(): Problem
  /** 403: issued for another environment. */
  wrongEnvironment(): Problem
  /** 403: not from there. */
  addressNotAllowed(): Problem
  /** 403: nothing is taken from there. */
  outsideOfResource(): Problem
  /** 403: the resource takes credentials only together with a certificate, and there is none that will do. */
  missingCertificate(reason: string): Problem
  /** The same refusal, saying which layer of the resource the request lacks. */
  lackingLayer(refusal: Problem, layer: string): Problem
  /** 403: a browser has sent it by itself, for a page of another site. */
  fromAnotherSite(site: string): Problem
  /** 429: too often. Never a 401: the credential is good. */
  rateLimited(rate?: RateState): Problem
}

/** @param issuer the realm of every challenge: an origin, so it needs no quoting */
export function createRefusals(issuer: string): Refusals {
  const bearerChallenge = `Bearer realm="${issuer}"`
  const challengedBy = (...challenges: string[]) => ({ headers: { 'WWW-Authenticate': challenges } })
  const inDpop = (challenge: string) =>
    challenge.replace(/^Bearer (.*)$/, `DPoP $1, algs="${DPOP_ALGS.join(' ')}"`)
  return {
    bearerChallenge,
    dpopChallenge: inDpop(bearerChallenge),

    basicChallenge: request => (isOfBrowser(request) ? [] : [`Basic realm="${issuer}", charset="UTF-8"`]),

    unauthenticated(challenges) {
      // RFC 9110, section 15.5.2: a 401 has at least one challenge.
      const distinct = challenges.length === 0 ? [bearerChallenge] : [...new Set(challenges)]
      return new Problem(
        401,
        'unauthenticated',
        'This needs a credential.',
        undefined,
        challengedBy(...distinct),
      )
    },

    invalidCredential: reason =>
      new Problem(
        401,
        'invalid_token',
        'The credential is not valid.',
        reason,
        challengedBy(`${bearerChallenge}, error="invalid_token"`),
      ),

    invalidDpopProof: mistake =>
      new Problem(
        401,
        'invalid_dpop_proof',
        `The DPoP proof ${mistake}`,
        undefined,
        challengedBy(inDpop(`${bearerChallenge}, error="invalid_dpop_proof"`)),
      ),

    useDpopNonce: nonce =>
      new Problem(
        401,
        'use_dpop_nonce',
        'The DPoP proof needs the nonce in the header DPoP-Nonce of this answer.',
        undefined,
        {
          headers: {
            'WWW-Authenticate': [inDpop(`${bearerChallenge}, error="use_dpop_nonce"`)],
            'DPoP-Nonce': nonce,
          },
        },
      ),

    toldInDpop(refusal) {
      const { status, code, message, detail, headers, members, cause } = refusal
      const challenges = [headers['WWW-Authenticate'] ?? []].flat()
      if (challenges.length === 0) return refusal
      return new Problem(status, code, message, detail, {
        headers: { ...headers, 'WWW-Authenticate': challenges.map(inDpop) },
        members,
        cause,
      })
    },

    insufficientScope(scopes) {
      const scope = scopes.join(' ')
      return new Problem(
        403,
        'insufficient_scope',
        `The credential lacks a scope that this needs: ${scope}`,
        undefined,
        challengedBy(`${bearerChallenge}, error="insufficient_scope", scope="${scope}"`),
      )
    },

    wrongAudience: () => new Problem(403, 'wrong_audience', 'The credential is for another resource.'),

    wrongEnvironment: () =>
      new Problem(403, 'wrong_environment', 'The credential is for another environment.'),

    addressNotAllowed: () =>
      new Problem(403, 'address_not_allowed', 'The credential may not be used from this address.'),

    outsideOfResource: () =>
      lacking(
        new Problem(403, 'address_not_allowed', 'This resource may not be used from this address.'),
        'address',
      ),

    missingCertificate: reason =>
      lacking(
        new Problem(
          403,
          'missing_layer',
          'This needs a client certificate beside the credential: one that is registered for this resource, of the same client.',
          reason,
        ),
        'client-certificate',
      ),

    lackingLayer: lacking,

    fromAnotherSite: site => new Problem(403, 'csrf_failed', 'This request came from another site.', site),

    rateLimited: rate =>
      new Problem(
        429,
        'rate_limited',
        'Too many requests with this credential. Try again later.',
        undefined,
        {
          headers: rate ? { 'Retry-After': String(rate.reset), ...rateHeaders(rate) } : {},
        },
      ),
  }
}

/** 400: two explicit credentials, and nobody may guess which one counts. */
export const ambiguousCredentials = () =>
  new Problem(400, 'ambiguous_credentials', 'The request has more than one credential. Send one.')

/** Fetch Metadata says it; a browser that asks an address without https does not send that. */
const isOfBrowser = (request: Pick<RequestView, 'header'>): boolean =>
  request.header('sec-fetch-mode') !== undefined || /\btext\/html\b/i.test(request.header('accept') ?? '')

/** RFC 9457, section 3.2: a member of its own. */
function lacking({ status, code, message, detail, headers, cause }: Problem, layer: string): Problem {
  return new Problem(status, code, message, detail, { headers, members: { missing_layer: layer }, cause })
}
