/**
 * A client that registered itself leads nowhere on this server: its consent page would name our own host as where the
 * person goes, and our own requests would come back to us.
 */
import type { DescribedClient } from '../clients/upsert-client.ts'
import { Problem } from '../http/problem.ts'

/** @throws Problem 400 */
export function refuseOwnAddresses(issuer: string, client: DescribedClient): void {
  const { redirectUris, postLogoutRedirectUris, jwksUri, backchannelLogoutUri } = client
  const { host } = new URL(issuer)
  const isOurs = (uri: string | null) => uri !== null && URL.parse(uri)?.host === host
  if (redirectUris.some(isOurs))
    throw new Problem(400, 'invalid_redirect_uri', `redirect_uris must not lead to ${host}`)
  const others = {
    post_logout_redirect_uris: postLogoutRedirectUris,
    jwks_uri: [jwksUri],
    backchannel_logout_uri: [backchannelLogoutUri],
  }
  for (const [name, uris] of Object.entries(others))
    if (uris.some(isOurs))
      throw new Problem(400, 'invalid_client_metadata', `${name} must not lead to ${host}`)
}
