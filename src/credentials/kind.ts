/**
 * CREDENTIALS: every way a caller proves who it is. This file is the shape they share: one kind is one file, one line in
 * kinds.ts and one fixture in test/credentials/kind.contract.ts. The room owns who claims a request (authenticate.ts),
 * how a refusal looks (refusals.ts) and what an access token may do now (as-of-now.ts). It does not decide who may have
 * which scope (resources/permission.ts), issue OAuth tokens or keep the browser session (oidc). Every door asks it.
 */
import type { RequestView } from '../http/request-view.ts'
import type { Explain } from './checks.ts'
import type { Warning } from './credential-headers.ts'
import type { Actor } from './exchanged.ts'
import type { RateState } from './rate-limit.ts'

export interface CredentialKind {
  /** Its file, its `kind` in identities, audit rows and tables. */
  readonly name: string
  /** Where it is presented; decides what competes with what, see authenticate.ts. */
  readonly place: Place
  /** What to send in WWW-Authenticate when nobody is recognised. */
  readonly challenge?: Challenges | ((request: RequestView) => Challenges)
  /**
   * Is it mine? Looks at the request only: no query, no clock, no key. No two kinds claim the same credential.
   * @returns undefined when there is none of this kind
   * @throws the shared refusal when it is this kind's but broken
   */
  claim(request: RequestView): Verification | undefined
}

export type Challenges = string | readonly string[]

export type Place = 'explicit' | 'certificate' | 'cookie'

/**
 * Is it good, and good enough? In this order: known, not ended, environment and audience, address, binding, scopes.
 * @throws Problem 401, 403 or 429, made by refusals.ts
 */
export type Verification = (wanted: Wanted) => Promise<Identity>

/** What the caller wants to do. Empty: only to be known. */
export interface Wanted {
  /** The identifier of the resource that is being asked: a credential for another one is refused. */
  readonly resource?: string
  /** All of them are needed. */
  readonly scopes?: readonly string[]
  readonly env?: string
  /** What else the connection or the request proved: the keys that a binding may ask for. */
  readonly evidence?: Confirmation
  /** Only one of this client's: it comes beside another credential of the client (layers.ts). */
  readonly clientId?: string
  /** How it was presented: what a proof has to be for (dpop.ts). */
  readonly request?: RequestView
  /** Where the request came from, when whoever asks knows it better than the request. */
  readonly address?: string
  readonly userAgent?: string
  /** Somebody only asks what would happen: nothing is counted, spent, activated or written. See checks.ts. */
  readonly explain?: Explain
}

/** RFC 7800: the key that must be shown to be held beside the credential. Both values are thumbprints. */
export interface Confirmation {
  /** RFC 9449, a DPoP key. */
  readonly jkt?: string
  /** RFC 8705, a certificate. */
  readonly 'x5t#S256'?: string
}

/** Who it is and what it may do now. It never holds the secret. */
export interface Identity {
  readonly kind: string
  /** Public: good for a log and for revoking, worth nothing as a credential. */
  readonly credentialId: string
  readonly subject: { readonly type: 'account' | 'client'; readonly id: string }
  /** The client that acts, when one does. */
  readonly clientId?: string
  /** Of a token that was exchanged (RFC 8693): the same client, and in it those who acted before. */
  readonly act?: Actor
  /** The organization that a client belongs to. Never set for an account, which may belong to several. */
  readonly organization?: string
  /** Where the scopes hold; null for a token that no resource takes (it opens /userinfo only). */
  readonly resource: string | null
  /** Effective now, after everything that was taken away since it was issued. */
  readonly scopes: readonly string[]
  readonly env?: string
  readonly issuedAt?: Date
  readonly expiresAt?: Date
  readonly acr?: string
  readonly cnf?: Confirmation
  /** Everywhere it may do something, by resource: when none was wanted and it may be for several. */
  readonly access?: ReadonlyMap<string, readonly string[]>
  /** RFC 9530: the digest of the body that was signed. Whoever has the body compares: nobody here has seen it. */
  readonly contentDigest?: string
  /** For headers of the answer: credential-headers.ts. */
  readonly warnings?: readonly Warning[]
  readonly rate?: RateState
  /** For the next proof of a credential that is bound to a key (RFC 9449, section 8.2). */
  readonly dpopNonce?: string
}
