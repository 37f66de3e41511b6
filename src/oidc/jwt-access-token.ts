/**
 * Our own JWT access tokens (RFC 9068) when they come back to us: verified with the published keys, refused when
 * anything they hang on has ended. Used by introspection, revocation, userinfo and the access-token credential kind.
 */
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose'
import type { Ended, Revocations } from '../revocation/revocation.ts'

export interface JwtAccessToken extends JWTPayload {
  readonly jti: string
  readonly sub: string
  readonly aud: string
  readonly iat: number
  readonly exp: number
  readonly client_id: string
  readonly scope?: string
  readonly grant_id?: string
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: string[]
  readonly cnf?: { jkt?: string; 'x5t#S256'?: string }
}

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
  typeof claims.client_id === 'string'

/** Everything whose end ends this token. */
export function endsWith(claims: JwtAccessToken): Ended[] {
  return [
    { kind: 'token', id: claims.jti },
    { kind: 'client', id: claims.client_id },
    ...(claims.grant_id === undefined ? [] : [{ kind: 'grant' as const, id: claims.grant_id }]),
    ...(claims.sub === claims.client_id ? [] : [{ kind: 'account' as const, id: claims.sub }]),
  ]
}

/**
 * @param keys the public keys, at the time of the call
 * @returns a function that gives the claims, or undefined for a foreign, malformed, expired or revoked token
 */
export function verifierOfJwtAccessTokens(
  issuer: string,
  keys: () => JSONWebKeySet,
  revocations: Revocations,
): VerifyJwtAccessToken {
  return async jwt => {
    try {
      const { payload } = await jwtVerify(jwt, createLocalJWKSet(keys()), { issuer, typ: 'at+jwt' })
      if (!isComplete(payload) || (await revocations.isRevoked(endsWith(payload)))) return undefined
      return payload
    } catch (error) {
      if (error instanceof joseErrors.JOSEError) return undefined
      throw error
    }
  }
}
