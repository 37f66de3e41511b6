/** How a person was authenticated: `acr` (OpenID Connect Core, section 2) and `amr` (RFC 8176). */
import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider'

/** One factor: a password. */
export const ACR_PASSWORD = 'urn:latchkey:acr:password'

/**
 * What a JWT access token says beside the standard claims: the grant, and for tokens that come from a code (a device's
 * too) or a refresh token how and when the person was authenticated (RFC 9068, section 2.2.1).
 */
export function authenticationClaims(
  { oidc }: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
): Record<string, unknown> | undefined {
  if (token.kind !== 'AccessToken') return undefined
  const { AuthorizationCode, DeviceCode, RefreshToken } = oidc.entities
  const source = AuthorizationCode ?? DeviceCode ?? RefreshToken
  return {
    grant_id: token.grantId,
    ...(source?.authTime !== undefined && { auth_time: source.authTime }),
    ...(source?.acr !== undefined && { acr: source.acr }),
    ...(source?.amr !== undefined && { amr: source.amr }),
  }
}
