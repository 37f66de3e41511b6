/**
 * Which resource a token is for and which scopes it can have (protocol.md, "Which token"; RFC 8707). The library asks
 * these two questions at both endpoints; here they are answered by the client's ceiling.
 */
import {
  errors,
  type KoaContextWithOIDC,
  type Client as ProviderClient,
  type ResourceServer,
} from 'oidc-provider'
import type { Client } from '../clients/client.ts'
import { clientScopes } from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'
import { OPENID_SCOPES } from './access.ts'
import type { OidcDeps } from './deps.ts'

const words = (scope: unknown): string[] =>
  typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []

const isClientCredentials = ({ oidc }: KoaContextWithOIDC) =>
  oidc.route === 'token' && oidc.params?.grant_type === 'client_credentials'

export interface ResourcePolicy {
  defaultResource(
    ctx: KoaContextWithOIDC,
    client: ProviderClient,
    oneOf?: readonly string[],
  ): Promise<string | string[] | undefined>
  getResourceServerInfo(
    ctx: KoaContextWithOIDC,
    identifier: string,
    client: ProviderClient,
  ): Promise<ResourceServer>
  /** @throws errors.InvalidScope when a scope is asked for that nobody knows or that is outside the client's ceiling */
  checkScope(ctx: KoaContextWithOIDC): Promise<void>
}

export function createResourcePolicy({ clients, resources }: OidcDeps): ResourcePolicy {
  async function clientOf(client: ProviderClient): Promise<Client> {
    const found = await clients.find(client.clientId)
    if (!found) throw new errors.InvalidClient('client is gone')
    return found
  }

  async function ceilingAt(
    client: Client,
    identifier: string,
  ): Promise<{ resource: Resource; scopes: ReadonlySet<string> }> {
    const resource = await resources.find(identifier)
    const scopes = resource && clientScopes(client, resource)
    // The same answer for a resource that does not exist and one that is not for this client.
    if (!resource || !scopes || scopes.size === 0)
      throw new errors.InvalidTarget('resource is not for this client')
    return { resource, scopes }
  }

  const notAllowed = (scope: string) => new errors.InvalidScope('requested scope is not allowed', scope)

  return {
    async defaultResource(ctx, client, oneOf) {
      if (oneOf) return oneOf.length === 1 ? oneOf[0] : [...oneOf]
      const { ceiling } = await clientOf(client)
      const [first, ...others] = ceiling.keys()
      if (first !== undefined && others.length === 0) return first
      if (isClientCredentials(ctx))
        throw new errors.InvalidTarget(
          first === undefined
            ? 'this client has no resource'
            : 'resource is required: this client has several',
        )
      const ceilings = new Set([...ceiling.values()].flatMap(scopes => [...scopes]))
      if (words(ctx.oidc.params?.scope).some(scope => ceilings.has(scope)))
        throw new errors.InvalidTarget('resource is required: this client has several')
      return undefined
    },

    async getResourceServerInfo(ctx, identifier, providerClient) {
      const { resource, scopes } = await ceilingAt(await clientOf(providerClient), identifier)
      if (isClientCredentials(ctx) && ctx.oidc.params) {
        const { resource: asked } = ctx.oidc.params
        if (Array.isArray(asked) && asked.length > 1)
          throw new errors.InvalidTarget('an access token is for one resource')
        // No scope: the whole ceiling. The library would drop what it does not know; it is refused instead.
        ctx.oidc.params.scope ??= [...scopes].join(' ')
        const unknown = words(ctx.oidc.params.scope).find(scope => !scopes.has(scope))
        if (unknown !== undefined) throw notAllowed(unknown)
      }
      return {
        audience: resource.identifier,
        scope: [...scopes].join(' '),
        accessTokenTTL: resource.accessTokenLifetime,
        accessTokenFormat: resource.tokenFormat,
        ...(resource.tokenFormat === 'jwt' && { jwt: { sign: { alg: resource.tokenSigningAlg } } }),
      }
    },

    async checkScope({ oidc }) {
      const known = new Set(OPENID_SCOPES)
      for (const server of Object.values(oidc.resourceServers ?? {}))
        for (const scope of words(server.scope)) known.add(scope)
      const unknown = words(oidc.params?.scope).find(scope => !known.has(scope))
      if (unknown !== undefined) throw notAllowed(unknown)
    },
  }
}
