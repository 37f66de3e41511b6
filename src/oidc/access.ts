/** Access: OpenID Connect scopes and, per resource, its scopes. What a request asks for, or was given. */
import { en } from '../../views/messages/en.ts'
import type { Client } from '../clients/client.ts'
import { accountScopes, clientScopesForPeople } from '../resources/permission.ts'
import type { OidcDeps } from './deps.ts'

export interface Access {
  readonly openid: readonly string[]
  /** By resource identifier. */
  readonly resources: ReadonlyMap<string, readonly string[]>
}

/** The OpenID Connect scopes this server knows; every other scope belongs to a resource. */
export const OPENID_SCOPES: readonly string[] = ['openid', 'offline_access', 'profile', 'email']

/** A scope of OpenID Connect in words, for consent and for the list of applications. */
export function openidScopeLabel(scope: string): string {
  return Object.entries(en.standardScopes.labels).find(([name]) => name === scope)?.[1] ?? scope
}

export const NO_ACCESS: Access = { openid: [], resources: new Map() }

export const isEmpty = (access: Access): boolean =>
  access.openid.length === 0 && [...access.resources.values()].every(scopes => scopes.length === 0)

/** Keeps what `keep` says yes to. `resource` is undefined for OpenID Connect scopes. */
export function filterAccess(access: Access, keep: (scope: string, resource?: string) => boolean): Access {
  return {
    openid: access.openid.filter(scope => keep(scope)),
    resources: new Map(
      [...access.resources].map(([resource, scopes]) => [
        resource,
        scopes.filter(scope => keep(scope, resource)),
      ]),
    ),
  }
}

const has = (access: Access, scope: string, resource?: string) =>
  (resource === undefined ? access.openid : (access.resources.get(resource) ?? [])).includes(scope)

export const intersect = (a: Access, b: Access): Access =>
  filterAccess(a, (scope, resource) => has(b, scope, resource))
export const subtract = (a: Access, b: Access): Access =>
  filterAccess(a, (scope, resource) => !has(b, scope, resource))

/** What an authorization request asks for, within the client's ceiling. */
export async function askedAccess(
  { resources }: OidcDeps,
  client: Client,
  params: { readonly scope?: unknown; readonly resource?: unknown },
): Promise<Access> {
  const scopes = typeof params.scope === 'string' ? params.scope.split(' ') : []
  const identifiers = [params.resource ?? []].flat().filter(value => typeof value === 'string')
  const found = await Promise.all(identifiers.map(identifier => resources.find(identifier)))
  return {
    openid: OPENID_SCOPES.filter(scope => scopes.includes(scope)),
    resources: new Map(
      found
        .filter(resource => resource !== undefined)
        .map(resource => {
          const ceiling = clientScopesForPeople(client, resource)
          return [resource.identifier, scopes.filter(scope => ceiling.has(scope))]
        }),
    ),
  }
}

/** The part of `access` that the account may have now: a restricted scope needs a role. */
export async function permittedAccess(
  { db, resources }: OidcDeps,
  accountId: string,
  access: Access,
): Promise<Access> {
  const permitted = new Map<string, ReadonlySet<string>>()
  for (const identifier of access.resources.keys()) {
    const resource = await resources.find(identifier)
    permitted.set(identifier, resource ? await accountScopes(db, accountId, resource) : new Set())
  }
  return filterAccess(
    access,
    (scope, resource) => resource === undefined || !!permitted.get(resource)?.has(scope),
  )
}
