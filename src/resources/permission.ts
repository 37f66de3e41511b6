/**
 * The one permission model: what a credential may do now = its own scopes ∩ what its subject may do now ∩ (tokens of a
 * grant) what was consented. Every credential kind and every door asks these functions; empty means nothing.
 *
 * - A client may do what its ceiling lists for the resource, restricted scopes included. One that registered itself may
 *   also ask people for the scopes that the resource has opened to such clients.
 * - An account may do every scope that is not restricted, and the restricted ones that one of its roles lists.
 * - On our own API there is more: what organization roles and being an administrator give to accounts, and `verify` for
 *   a client that is some resource's server.
 */
import { type AccountStanding, findAccountStanding } from '../accounts/account-directory.ts'
import type { Client } from '../clients/client.ts'
import type { Db, Tx } from '../db/connect.ts'
import { type OwnScope, SCOPES_BY_ORGANIZATION_ROLE } from './own-resource.ts'
import type { Resource } from './resource.ts'

type Scopes = ReadonlySet<string>
const NONE: Scopes = new Set()

/** What a permission depends on beside the scopes that exist. */
type Place = Pick<Resource, 'identifier' | 'scopes' | 'builtIn'>

type CeilingOfClient = Pick<Client, 'ceiling' | 'disabled' | 'introspect' | 'registration'>

/** Every client that is some resource's server has it on our own API. */
const RESOURCE_SERVER: readonly OwnScope[] = ['verify']

/** What the client may do there at most: its ceiling, as far as the scopes still exist. A disabled client: nothing. */
export function clientScopes(client: Omit<CeilingOfClient, 'registration'>, resource: Place): Scopes {
  if (client.disabled) return NONE
  const ceiling = client.ceiling.get(resource.identifier) ?? NONE
  const isServer = resource.builtIn && client.introspect.length > 0
  return keepKnown(isServer ? new Set([...ceiling, ...RESOURCE_SERVER]) : ceiling, resource)
}

/**
 * What the client may ask a person for there, or do in a person's name, at most: its ceiling; a client that registered
 * itself, also what the resource has opened to such clients. Never for the client itself: nobody here knows whose it is.
 */
export function clientScopesForPeople(client: CeilingOfClient, resource: Place): Scopes {
  const ceiling = clientScopes(client, resource)
  if (client.disabled || client.registration === 'operator') return ceiling
  const open = [...resource.scopes].filter(([, { selfRegistered }]) => selfRegistered).map(([name]) => name)
  return open.length === 0 ? ceiling : new Set([...ceiling, ...open])
}

/** What an account may do there. A disabled account: nothing. */
export function scopesOfAccount(account: Omit<AccountStanding, 'id'>, resource: Place): Scopes {
  if (account.disabled) return NONE
  const given = new Set(account.roleScopes.get(resource.identifier))
  if (resource.builtIn)
    for (const role of account.organizationRoles)
      for (const scope of SCOPES_BY_ORGANIZATION_ROLE[role]) given.add(scope)
  const everything = resource.builtIn && account.admin
  const allowed = [...resource.scopes].filter(
    ([name, { restricted }]) => !restricted || everything || given.has(name),
  )
  return new Set(allowed.map(([name]) => name))
}

/**
 * What the account may do there now. Always one query, so that a role that was taken away is gone at once. An unknown or
 * disabled account: nothing.
 */
export async function accountScopes(db: Db | Tx, accountId: string, resource: Place): Promise<Scopes> {
  const account = await findAccountStanding(db, accountId)
  return account ? scopesOfAccount(account, resource) : NONE
}

/**
 * What remains of a credential's own scopes now, in their order and without repetition.
 * @param own the scopes of the credential, or those asked for
 * @param account what the account may do (`accountScopes`); absent when no account is involved
 * @param consented what was consented to, for tokens of a grant
 */
export function effectiveScopes({
  own,
  client,
  resource,
  account,
  consented,
}: {
  own: Iterable<string>
  client: CeilingOfClient
  resource: Place
  account?: Scopes | undefined
  consented?: Scopes | undefined
}): string[] {
  const ofClient = (account ? clientScopesForPeople : clientScopes)(client, resource)
  return [...new Set(own)].filter(
    scope =>
      ofClient.has(scope) &&
      (account === undefined || account.has(scope)) &&
      (consented === undefined || consented.has(scope)),
  )
}

function keepKnown(scopes: Scopes, resource: Pick<Resource, 'scopes'>): Scopes {
  return new Set([...scopes].filter(scope => resource.scopes.has(scope)))
}
