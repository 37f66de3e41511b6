/** Who is calling, by the kind of credential that said so. It never holds the secret. */
import type { AnswerHeader } from './refusal.ts'

/** RFC 7800: the keys that were shown to be held beside the credential, as thumbprints. */
export interface Confirmation {
  readonly jkt?: string
  readonly 'x5t#S256'?: string
}

/** RFC 8693: who acts for the subject, and in it who acted before. */
export interface Actor {
  readonly sub: string
  readonly act?: Actor
}

interface Known {
  /** Public: good for a log and for revoking, worth nothing as a credential. */
  readonly credentialId: string
  readonly resource: string
  /** All it may do here, now. */
  readonly scopes: readonly string[]
  readonly issuedAt?: Date
  readonly expiresAt?: Date
  readonly cnf?: Confirmation
  /** RFC 9530: of the body that was signed. It has been compared. */
  readonly contentDigest?: string
  /** For your own answer: what the caller should know about its credential (`X-Credential-Warning`, `RateLimit`, `DPoP-Nonce`). */
  readonly answerHeaders: readonly AnswerHeader[]
}

/** The subject is the account that allowed it, or the client itself. */
export interface AccessTokenIdentity extends Known {
  readonly kind: 'access-token'
  readonly subject: { readonly type: 'account' | 'client'; readonly id: string }
  readonly clientId: string
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly acr?: string
  /** Of a token that was exchanged for another credential. */
  readonly act?: Actor
  /** Of a token that was exchanged for an API key or a personal token. */
  readonly env?: string
  /** The client's. Only Latchkey knows it: absent when a JWT was judged here. */
  readonly organization?: string
}

export interface ApiKeyIdentity extends Known {
  readonly kind: 'api-key'
  readonly subject: { readonly type: 'client'; readonly id: string }
  readonly clientId: string
  readonly env: string
  readonly organization?: string
}

export interface PersonalAccessTokenIdentity extends Known {
  readonly kind: 'personal-access-token'
  readonly subject: { readonly type: 'account'; readonly id: string }
  readonly env: string
}

/** A request that was signed, or a registered certificate by itself. */
export interface ClientCredentialIdentity extends Known {
  readonly kind: 'signing-secret' | 'client-certificate'
  readonly subject: { readonly type: 'client'; readonly id: string }
  readonly clientId: string
  readonly env: string
  readonly organization?: string
}

/** A client's id and secret in Basic. */
export interface ClientSecretIdentity extends Known {
  readonly kind: 'client-secret'
  readonly subject: { readonly type: 'client'; readonly id: string }
  readonly clientId: string
  readonly organization?: string
}

/** Of a kind that this version of the verifier has no type for. Latchkey has let it in. */
export interface OtherIdentity extends Known {
  readonly kind: 'other'
  /** Latchkey's name of the kind. */
  readonly kindName: string
  readonly subject: { readonly type: 'account' | 'client'; readonly id: string }
  readonly clientId?: string
  readonly env?: string
  readonly organization?: string
}

export type Identity =
  | AccessTokenIdentity
  | ApiKeyIdentity
  | PersonalAccessTokenIdentity
  | ClientCredentialIdentity
  | ClientSecretIdentity
  | OtherIdentity

const REQUIRED: Readonly<Record<string, readonly string[]>> = {
  'access-token': ['clientId', 'issuedAt', 'expiresAt'],
  'api-key': ['clientId', 'env'],
  'personal-access-token': ['env'],
  'signing-secret': ['clientId', 'env'],
  'client-certificate': ['clientId', 'env'],
  'client-secret': ['clientId'],
}

/**
 * An identity as `POST /v1/verify` writes it.
 * @returns undefined when it is none
 */
export function identityFromJson(
  json: unknown,
  resource: string,
  answerHeaders: readonly AnswerHeader[],
): Identity | undefined {
  if (!isObject(json)) return undefined
  const { kind, credential_id, subject, client_id, act, organization, scopes, env, acr, cnf } = json
  if (typeof kind !== 'string' || typeof credential_id !== 'string') return undefined
  if (!isObject(subject) || typeof subject.id !== 'string') return undefined
  if (subject.type !== 'account' && subject.type !== 'client') return undefined
  if (!Array.isArray(scopes) || json.resource !== resource) return undefined
  const found = {
    credentialId: credential_id,
    subject: Object.freeze({ type: subject.type, id: subject.id }),
    ...texts({ clientId: client_id, organization, env, acr, contentDigest: json.content_digest }),
    resource,
    scopes: Object.freeze(scopes.map(String)),
    ...dates({ issuedAt: json.issued_at, expiresAt: json.expires_at }),
    ...(isObject(cnf) && { cnf: Object.freeze({ ...cnf }) }),
    ...(isObject(act) && { act: Object.freeze({ ...act }) }),
    answerHeaders,
  }
  const required = REQUIRED[kind]
  if (required?.some(name => !(name in found))) return undefined
  const named = required ? { kind } : { kind: 'other', kindName: kind }
  return Object.freeze({ ...named, ...found }) as Identity
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const texts = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )

const dates = (values: Record<string, unknown>): Record<string, Date> =>
  Object.fromEntries(Object.entries(texts(values)).map(([name, text]) => [name, new Date(text)]))
