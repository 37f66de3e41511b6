/**
 * Tokens of client credentials, and what stands for them at /introspect and /revoke: API keys and personal access tokens,
 * which are in no table of this room.
 */
import { Provider } from 'oidc-provider'
import type { VerifyJwtAccessToken } from '../../credentials/jwt-access-token.ts'
import type { Identity } from '../../credentials/kind.ts'
import { type Context, sourceOf } from '../../http/context.ts'
import { looksMinted } from '../../secrets/minted-format.ts'
import type { OidcDeps } from '../deps.ts'
import { heldPayload, mintedPayload } from '../minted-payload.ts'
import { presentedJwt } from '../presented-token.ts'
import { accessTokenStore } from './access-token-store.ts'
import type { Store } from './store.ts'

export function clientCredentialsStore(deps: OidcDeps, verifyJwt: VerifyJwtAccessToken): Store {
  const { minted } = deps
  const issued = accessTokenStore(deps, 'ClientCredentials', verifyJwt)

  async function findMinted(token: string) {
    const { route, client } = Provider.ctx?.oidc ?? {}
    if (!client || presentedJwt() !== undefined) return undefined
    if (route === 'introspection') {
      const found = await minted.introspect(token, client.clientId)
      return found && mintedPayload(token, found)
    }
    // Possession is enough to end one, whatever it may do now.
    const id = route === 'revocation' ? await minted.findHeld(token) : undefined
    return id === undefined ? undefined : heldPayload(token, id)
  }

  return {
    ...issued,

    async find(id) {
      return (looksMinted(id) ? undefined : await issued.find(id)) ?? findMinted(id)
    },

    async destroy(id) {
      const held = presentedJwt() === undefined ? await minted.findHeld(id) : undefined
      if (held === undefined) await issued.destroy?.(id)
      else await minted.revoke({ identity: revoker(), source: source() }, held, 'revoked_by_holder')
    },
  }
}

/** The client that the library has authenticated for this request. */
function revoker(): Identity {
  const id = Provider.ctx?.oidc.client?.clientId ?? ''
  const subject = { type: 'client', id } as const
  return { kind: 'client', credentialId: id, subject, clientId: id, resource: null, scopes: [] }
}

const source = () => (Provider.ctx ? sourceOf(Provider.ctx as unknown as Context) : {})
