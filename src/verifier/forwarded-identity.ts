/**
 * For an API behind a proxy that asks Latchkey about every request (forward-auth): who is calling stands in
 * `X-Auth-Identity`, a JWT that only Latchkey can have signed, for this API and this request. Nothing else counts, so a
 * credential that reaches the API without having passed the proxy opens nothing.
 */
import type { Question } from './asking.ts'
import { type Identity, identityFromJson } from './identity.ts'
import type { Claims } from './jws.ts'
import type { PresentedRequest } from './presented-request.ts'
import type { PublishedKeys } from './published-keys.ts'
import { refusalsOf } from './refusal.ts'

export interface ForwardedIdentityOptions {
  readonly issuer: string
  readonly resource: string
  readonly origin: string
  /** What the proxy cuts off the path. */
  readonly prefix: string
  readonly keys: Pick<PublishedKeys, 'verify'>
  readonly now: () => number
  /** Seconds. */
  readonly tolerance: number
}

/** @throws Refusal, and Unavailable when the keys cannot be had */
export type ReadForwardedIdentity = (request: PresentedRequest, question: Question) => Promise<Identity>

export function forwardedIdentity(options: ForwardedIdentityOptions): ReadForwardedIdentity {
  const { issuer, resource, origin, prefix, keys, now, tolerance } = options
  const { host } = new URL(origin)
  const refusals = refusalsOf(issuer, 'Bearer')

  function isForThis(
    { iss, aud, iat, exp, method, host: asked, path }: Claims,
    request: PresentedRequest,
  ): boolean {
    const seconds = now() / 1000
    const [target = ''] = request.target.split('?')
    if (iss !== issuer || aud !== resource) return false
    if (typeof exp !== 'number' || typeof iat !== 'number') return false
    if (seconds >= exp + tolerance || seconds + tolerance < iat) return false
    return method === request.method && asked === host && path === `${prefix}${target}`
  }

  return async (request, { scopes, env }) => {
    const [token, second] = request.all('x-auth-identity')
    if (token === undefined || token === '') throw refusals.unauthenticated()
    const claims = second === undefined ? await keys.verify(token, 'identity+jwt') : undefined
    const identity = claims && isForThis(claims, request) ? identityFrom(claims, resource) : undefined
    if (!identity) throw refusals.invalidCredential()
    if (env !== undefined && 'env' in identity && identity.env !== env) throw refusals.wrongEnvironment()
    if (!scopes.every(scope => identity.scopes.includes(scope))) throw refusals.insufficientScope(scopes)
    return identity
  }
}

const NONE = Object.freeze([])

const time = (value: unknown) =>
  typeof value === 'number' ? new Date(value * 1000).toISOString() : undefined

function identityFrom(claims: Claims, resource: string): Identity | undefined {
  const { sub, subject_type, credential_kind, scope, cnf } = claims
  const { credential_id, client_id, act, organization, env, acr, content_digest } = claims
  if (typeof scope !== 'string') return undefined
  const json = {
    kind: credential_kind,
    credential_id,
    subject: { type: subject_type, id: sub },
    client_id,
    act,
    organization,
    resource,
    scopes: scope.split(' ').filter(Boolean),
    env,
    issued_at: time(claims.credential_issued_at),
    expires_at: time(claims.credential_expires_at),
    acr,
    cnf,
    content_digest,
  }
  return identityFromJson(json, resource, NONE)
}
