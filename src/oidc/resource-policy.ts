/**
 * Which resource a token is for and which scopes it can have (RFC 8707). The library asks
 * these two questions at both endpoints; here they are answered by the client's ceiling.
 */
import {
  errors,
  type KoaContextWithOIDC,
  type Client as ProviderClient,
  type ResourceServer,
} from 'oidc-provider'
import type { Client } from '../clients/client.ts'
import { clientScopes, clientScopesForPeople } from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'
import { OPENID_SCOPES } from './access.ts'
import type { OidcDeps } from './deps.ts'

const words = (scope: unknown): string[] =>
  typeof scope === 'string' ? scope.split(' ').filter(Boolean) : []

const isClientCredentials = ({ oidc }: KoaContextWithOIDC) =>
  oidc.route === 'token' && oidc.params?.grant_type === 'client_credentials'

const SENT_BY_THE_CLIENT: ReadonlySet<string> = new Set([
  'pushed_authorization_request',
  'device_authorization',
])

const textsOf = (value: unknown): string[] =>
  [value ?? []].flat().filter((one): one is string => typeof one === 'string')

/** A resource in the library's words. */
export function describeServer(
  { identifier, accessTokenLifetime, tokenFormat, tokenSigningAlg }: Resource,
  scopes: Iterable<string>,
): ResourceServer {
  return {
    audience: identifier,
    scope: [...scopes].join(' '),
    accessTokenTTL: accessTokenLifetime,
    accessTokenFormat: tokenFormat,
    ...(tokenFormat === 'jwt' && { jwt: { sign: { alg: tokenSigningAlg } } }),
  }
}

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
    ctx: KoaContextWithOIDC,
    client: Client,
    identifier: string,
  ): Promise<{ resource: Resource; scopes: ReadonlySet<string> }> {
    const resource = await resources.find(identifier)
    const ofClient = isClientCredentials(ctx) ? clientScopes : clientScopesForPeople
    const scopes = resource && ofClient(client, resource)
    // The same answer for a resource that does not exist and one that is not for this client.
    if (!resource || !scopes || scopes.size === 0)
      throw new errors.InvalidTarget('resource is not for this client')
    return { resource, scopes }
  }

  function refuseUnknown({ oidc }: KoaContextWithOIDC, known: Iterable<string>): void {
    const all = new Set(known)
    const unknown = words(oidc.params?.scope).find(scope => !all.has(scope))
    if (unknown !== undefined) throw new errors.InvalidScope('requested scope is not allowed', unknown)
  }

  /** What a client may ask for when it names these resources. */
  async function knownScopes(
    ctx: KoaContextWithOIDC,
    client: Client,
    identifiers: readonly string[],
  ): Promise<string[]> {
    const ceilings = await Promise.all(identifiers.map(identifier => ceilingAt(ctx, client, identifier)))
    return [...OPENID_SCOPES, ...ceilings.flatMap(({ scopes }) => [...scopes])]
  }

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
      // The library would leave out what it does not know.
      refuseUnknown(ctx, OPENID_SCOPES)
      return undefined
    },

    async getResourceServerInfo(ctx, identifier, providerClient) {
      const client = await clientOf(providerClient)
      const { resource, scopes } = await ceilingAt(ctx, client, identifier)
      // Here no interaction follows that would check it (settings.ts, `prompts`).
      if (SENT_BY_THE_CLIENT.has(ctx.oidc.route))
        refuseUnknown(ctx, await knownScopes(ctx, client, textsOf(ctx.oidc.params?.resource)))
      if (isClientCredentials(ctx) && ctx.oidc.params) {
        const { resource: asked } = ctx.oidc.params
        if (Array.isArray(asked) && asked.length > 1)
          throw new errors.InvalidTarget('an access token is for one resource')
        // No scope: the whole ceiling. The library would drop what it does not know; it is refused instead.
        ctx.oidc.params.scope ??= [...scopes].join(' ')
        refuseUnknown(ctx, scopes)
      }
      return describeServer(resource, scopes)
    },

    async checkScope(ctx) {
      const servers = Object.values(ctx.oidc.resourceServers ?? {})
      refuseUnknown(ctx, [...OPENID_SCOPES, ...servers.flatMap(server => words(server.scope))])
    },
  }
}
