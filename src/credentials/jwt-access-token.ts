/**
 * Our own JWT access tokens (RFC 9068) when they come back to us: verified with the published keys, whichever of our
 * algorithms their resource has by now. Whether they still count is another question: as-of-now.ts. Used by introspection, revocation, userinfo and the access-token kind.
 */
import { hash } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose'
import { SIGNING_ALGS } from '../secrets/signing-alg.ts'
import type { IssuedToken } from './as-of-now.ts'
import { accountBehind, type ExchangeClaims, exchangedFrom } from './exchanged.ts'
import type { Confirmation } from './kind.ts'

export interface JwtAccessToken extends JWTPayload, Partial<ExchangeClaims> {
  readonly jti: string
  readonly sub: string
  readonly aud: string
  readonly iat: number
  readonly exp: number
  readonly client_id: string
  readonly scope?: string
  /** Of a token that comes from an authorization: `sub` is then the account. */
  readonly grant_id?: string
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: string[]
  readonly cnf?: Confirmation
}

type LocalKeys = ReturnType<typeof createLocalJWKSet>

export type VerifyJwtAccessToken = (jwt: string) => Promise<JwtAccessToken | undefined>

/** Three base64url parts: looks like a signed JWT. No key, no database. */
export function looksLikeJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token)
}

const isComplete = (claims: JWTPayload): claims is JwtAccessToken =>
  typeof claims.jti === 'string' &&
  typeof claims.sub === 'string' &&
  typeof claims.aud === 'string' &&
  typeof claims.iat === 'number' &&
  typeof claims.exp === 'number' &&
  typeof claims.client_id === 'string' &&
  [claims.scope, claims.grant_id, claims.acr].every(claim => claim === undefined || typeof claim === 'string')

/** What the claims say, in the words that JWTs and opaque tokens share. */
export function issuedJwt(claims: JwtAccessToken): IssuedToken {
  const { jti, sub, aud, iat, exp, client_id, scope, grant_id, acr, cnf } = claims
  const exchanged = exchangedFrom(claims)
  const accountId = grant_id === undefined ? accountBehind(exchanged) : sub
  return {
    id: jti,
    clientId: client_id,
    ...(grant_id !== undefined && { grantId: grant_id }),
    ...(accountId !== undefined && { accountId }),
    audience: aud,
    scopes: scope?.split(' ') ?? [],
    issuedAt: new Date(iat * 1000),
    expiresAt: new Date(exp * 1000),
    ...(acr !== undefined && { acr }),
    ...(cnf !== undefined && { cnf }),
    ...(exchanged && { exchanged }),
  }
}

/** Tokens that one set of keys is remembered to have signed. */
const MOST_REMEMBERED = 10_000

/**
 * A token that comes again is not verified again: what it says and who signed it cannot change. Whether it has expired is
 * looked at every time. Only its SHA-256 is remembered, for as long as the keys are these.
 * @param keys the public keys, at the time of the call; the same object as long as they are the same
 * @returns a function that gives the claims, or undefined for a foreign, malformed or expired token
 */
export function verifierOfJwtAccessTokens(
  issuer: string,
  keys: () => JSONWebKeySet | Promise<JSONWebKeySet>,
): VerifyJwtAccessToken {
  let known: { keys: JSONWebKeySet; find: LocalKeys; good: Map<string, JwtAccessToken> } | undefined

  return async jwt => {
    const current = await keys()
    if (known?.keys !== current) known = { keys: current, find: createLocalJWKSet(current), good: new Map() }
    const { find, good } = known
    const digest = hash('sha256', jwt, 'base64')
    const remembered = good.get(digest)
    if (remembered && remembered.exp > Math.floor(Date.now() / 1000)) return remembered
    try {
      const { payload } = await jwtVerify(jwt, find, { issuer, typ: 'at+jwt', algorithms: [...SIGNING_ALGS] })
      if (!isComplete(payload)) return undefined
      const [oldest] = good.size >= MOST_REMEMBERED ? good.keys() : []
      if (oldest !== undefined) good.delete(oldest)
      good.set(digest, payload)
      return payload
    } catch (error) {
      good.delete(digest)
      if (error instanceof joseErrors.JOSEError) return undefined
      throw error
    }
  }
}
