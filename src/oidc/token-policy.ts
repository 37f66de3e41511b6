/** Who may introspect and who may revoke a token (RFC 7662, section 4; RFC 7009, section 2.1). */
import type { AccessToken, Client, ClientCredentials, KoaContextWithOIDC, RefreshToken } from 'oidc-provider'
import { hasDemands } from '../resources/resource-layers.ts'
import type { OidcDeps } from './deps.ts'
import { isMinted } from './minted-payload.ts'

type Token = AccessToken | ClientCredentials | RefreshToken

const isMintedToken = (token: Token) => token.kind === 'ClientCredentials' && isMinted(token)

/**
 * The client it was issued to; of an access token also the servers of its audience. What a client may see of an API key or
 * a personal token was decided when it was found (credentials/minted-introspection.ts). A resource with layers is asked about
 * with the whole request, or "active" would say more than is known.
 */
export function mayIntrospect({ clients, resources }: Pick<OidcDeps, 'clients' | 'resources'>) {
  return async (_ctx: KoaContextWithOIDC, client: Client, token: Token): Promise<boolean> => {
    if (token.clientId === client.clientId || isMintedToken(token)) return true
    if (token.kind === 'RefreshToken' || typeof token.aud !== 'string') return false
    if (!(await clients.find(client.clientId))?.introspect.includes(token.aud)) return false
    const resource = await resources.find(token.aud)
    return resource !== undefined && !hasDemands(resource)
  }
}

/**
 * Only the client it was issued to. Anyone else gets the same 200, and nothing happens. An API key or a personal token is
 * ended by whoever holds it.
 */
export function mayRevoke(_ctx: KoaContextWithOIDC, client: Client, token: Token): boolean {
  return token.clientId === client.clientId || isMintedToken(token)
}
