/**
 * The answers to a request that is not let in, letter by letter Latchkey's own (RFC 6750, section 3; RFC 9449, section 7.1;
 * RFC 9457), so that callers read the same at every API. Unknown, expired and revoked look the same.
 */
import { randomUUID } from 'node:crypto'

export type AnswerHeader = readonly [name: string, value: string]

/** RFC 9457. `code` is the OAuth error code where one exists. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly request_id?: string
  readonly [member: string]: unknown
}

/** The request is not let in. It is its own answer: relay it as it is. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly headers: readonly AnswerHeader[]
  readonly body: ProblemBody

  constructor(headers: readonly AnswerHeader[], body: ProblemBody, options?: ErrorOptions) {
    super(body.detail, options)
    this.name = 'Refusal'
    this.status = body.status
    this.code = body.code
    this.headers = headers
    this.body = body
  }

  toResponse(): Response {
    const headers = new Headers()
    for (const [name, value] of this.headers) headers.append(name, value)
    return new Response(JSON.stringify(this.body), { status: this.status, headers })
  }
}

/** It cannot be decided now, so nobody is let in: 503. `cause` says why; it is for the log, the answer has nothing of it. */
export class Unavailable extends Refusal {
  constructor(why: string, cause?: unknown) {
    const detail = 'Not available right now. Try again in a moment.'
    super(
      [...PROBLEM_HEADERS, ['Retry-After', '1']],
      problem(503, 'Service Unavailable', 'temporarily_unavailable', detail),
      { cause: new Error(why, { cause }) },
    )
    this.name = 'Unavailable'
  }
}

const PROBLEM_HEADERS: readonly AnswerHeader[] = [
  ['Content-Type', 'application/problem+json'],
  ['Cache-Control', 'no-store'],
]

const problem = (status: number, title: string, code: string, detail: string): ProblemBody => ({
  type: 'about:blank',
  title,
  status,
  detail,
  code,
  request_id: randomUUID(),
})

/** What Latchkey takes proofs in. EdDSA is the older name of Ed25519 (RFC 8037, RFC 9864). */
export const DPOP_ALGS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256']

export interface Refusals {
  /** 400: two credentials, and nobody may guess which one counts. */
  ambiguous(): Refusal
  /** 400: URLs end up in logs, histories and referrers. */
  inAddress(): Refusal
  /** 400: nothing that could be asked about. */
  malformed(detail: string): Refusal
  /** 401: nothing was presented. */
  unauthenticated(): Refusal
  /** 401: presented, but bad. */
  invalidCredential(): Refusal
  /** 401. `mistake` goes on after "The DPoP proof ". */
  invalidDpopProof(mistake: string): Refusal
  /** 401: the proof lacks a nonce that is recent enough; this is one. */
  useDpopNonce(nonce: string): Refusal
  /** 403: good, but not for this. `scopes` is all that is needed. */
  insufficientScope(scopes: readonly string[]): Refusal
  /** 403: issued for another resource. */
  wrongAudience(): Refusal
  /** 403: issued for another environment. */
  wrongEnvironment(): Refusal
}

/**
 * @param issuer the realm of every challenge: an origin, so it needs no quoting
 * @param scheme what the challenges of a bad credential are in: the scheme that it came in
 */
export function refusalsOf(issuer: string, scheme: 'Bearer' | 'DPoP'): Refusals {
  const challenge = (more = '', as = scheme): AnswerHeader => [
    'WWW-Authenticate',
    `${as} realm="${issuer}"${more}${as === 'DPoP' ? `, algs="${DPOP_ALGS.join(' ')}"` : ''}`,
  ]
  const refuse = (body: ProblemBody, ...headers: AnswerHeader[]) =>
    new Refusal([...PROBLEM_HEADERS, ...headers], body)
  const bad = (detail: string) => refuse(problem(400, 'Bad Request', 'invalid_request', detail))
  const unauthorized = (code: string, detail: string, ...headers: AnswerHeader[]) =>
    refuse(problem(401, 'Unauthorized', code, detail), ...headers)
  const forbidden = (code: string, detail: string, ...headers: AnswerHeader[]) =>
    refuse(problem(403, 'Forbidden', code, detail), ...headers)

  return {
    ambiguous: () =>
      refuse(
        problem(
          400,
          'Bad Request',
          'ambiguous_credentials',
          'The request has more than one credential. Send one.',
        ),
      ),

    inAddress: () => bad('A token must not be in the address. Send it in the Authorization header.'),

    malformed: bad,

    unauthenticated: () =>
      unauthorized(
        'unauthenticated',
        'This needs a credential.',
        challenge('', 'Bearer'),
        challenge('', 'DPoP'),
      ),

    invalidCredential: () =>
      unauthorized('invalid_token', 'The credential is not valid.', challenge(', error="invalid_token"')),

    invalidDpopProof: mistake =>
      unauthorized(
        'invalid_dpop_proof',
        `The DPoP proof ${mistake}`,
        challenge(', error="invalid_dpop_proof"', 'DPoP'),
      ),

    useDpopNonce: nonce =>
      unauthorized(
        'use_dpop_nonce',
        'The DPoP proof needs the nonce in the header DPoP-Nonce of this answer.',
        challenge(', error="use_dpop_nonce"', 'DPoP'),
        ['DPoP-Nonce', nonce],
      ),

    insufficientScope(scopes) {
      const scope = scopes.join(' ')
      return forbidden(
        'insufficient_scope',
        `The credential lacks a scope that this needs: ${scope}`,
        challenge(`, error="insufficient_scope", scope="${scope}"`),
      )
    },

    wrongAudience: () => forbidden('wrong_audience', 'The credential is for another resource.'),

    wrongEnvironment: () => forbidden('wrong_environment', 'The credential is for another environment.'),
  }
}
