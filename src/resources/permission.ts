/**
 * The one permission model: what a credential may do now = its own scopes ∩ what its subject may do now ∩ (tokens of a
 * grant) what was consented. Every credential kind and every door asks these functions; empty means nothing.
 *
 * - A client may do what its ceiling lists for the resource, restricted scopes included.
 * - An account may do every scope that is not restricted, and the restricted ones that one of its roles lists.
 */
import { sql } from 'kysely'
import type { Client } from '../clients/client.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Resource } from './resource.ts'

type Scopes = ReadonlySet<string>
const NONE: Scopes = new Set()
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What the client may do there at most: its ceiling, as far as the scopes still exist. A disabled client: nothing. */
export function clientScopes(
  client: Pick<Client, 'ceiling' | 'disabled'>,
  resource: Pick<Resource, 'identifier' | 'scopes'>,
): Scopes {
  if (client.disabled) return NONE
  return keepKnown(client.ceiling.get(resource.identifier) ?? NONE, resource)
}

/** What an account with these role scopes may do there. */
export function scopesOfAccount(
  account: { readonly disabled: boolean; readonly roleScopes: Scopes },
  resource: Pick<Resource, 'scopes'>,
): Scopes {
  if (account.disabled) return NONE
  const allowed = [...resource.scopes].filter(
    ([name, { restricted }]) => !restricted || account.roleScopes.has(name),
  )
  return new Set(allowed.map(([name]) => name))
}

/**
 * What the account may do there now. Always one query, so that a role that was taken away is gone at once. An unknown or
 * disabled account: nothing.
 */
export async function accountScopes(
  db: Db | Tx,
  accountId: string,
  resource: Pick<Resource, 'identifier' | 'scopes'>,
): Promise<Scopes> {
  if (!UUID.test(accountId)) return NONE
  const row = await db
    .selectFrom('account')
    .select([
      'disabled_at',
      sql<string[]>`ARRAY(
        SELECT DISTINCT role_scope.scope FROM account_role JOIN role_scope ON role_scope.role = account_role.role
        WHERE account_role.account_id = account.id AND role_scope.resource = ${resource.identifier}
      )`.as('role_scopes'),
    ])
    .where('id', '=', accountId)
    .executeTakeFirst()
  if (!row) return NONE
  return scopesOfAccount(
    { disabled: row.disabled_at !== null, roleScopes: new Set(row.role_scopes) },
    resource,
  )
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
  client: Pick<Client, 'ceiling' | 'disabled'>
  resource: Pick<Resource, 'identifier' | 'scopes'>
  account?: Scopes | undefined
  consented?: Scopes | undefined
}): string[] {
  const ofClient = clientScopes(client, resource)
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
