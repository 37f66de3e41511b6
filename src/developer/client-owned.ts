/** What belongs to a client belongs to the client's organization: who may see and change it there. */
import type { OrganizationRole } from '../accounts/tables.ts'
import { findClient } from '../clients/client.ts'
import {
  type ClientCredential,
  type ClientCredentialKind,
  findClientCredential,
  listClientCredentials,
} from '../credentials/client-credential.ts'
import type { Identity } from '../credentials/kind.ts'
import type { Db } from '../db/connect.ts'
import type { ListPage, PageRequest } from '../http/page.ts'
import { notFound, Problem } from '../http/problem.ts'
import { checkReach, findReach, organizationsOf } from './ownership.ts'

/**
 * For a request that names the client in `client_id`.
 * @throws Problem 404, also for a client of others; 403
 */
export async function checkClientOf(
  db: Db,
  caller: Identity,
  clientId: string,
  needed: OrganizationRole,
): Promise<void> {
  const client = await findClient(db, clientId)
  try {
    checkReach(await findReach(db, caller), client?.organizationId, needed)
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error
    const errors = [{ path: 'client_id', message: 'is not a client of yours' }]
    throw new Problem(404, 'not_found', 'There is no such client.', undefined, { errors })
  }
}

/**
 * For a request that names the thing.
 * @throws Problem 404, also for a thing of others; 403
 */
export async function checkOwner(
  db: Db,
  caller: Identity,
  { owner }: { readonly owner: { readonly id: string } },
  needed: OrganizationRole,
): Promise<void> {
  const client = await findClient(db, owner.id)
  checkReach(await findReach(db, caller), client?.organizationId, needed)
}

/** @throws Problem 404, also for one of others; 403 */
export async function getClientCredential(
  db: Db,
  caller: Identity,
  { kind, id }: { readonly kind: ClientCredentialKind; readonly id: string },
  needed: OrganizationRole,
): Promise<ClientCredential> {
  const found = await findClientCredential(db, id)
  if (found?.kind !== kind) throw notFound()
  await checkOwner(db, caller, found, needed)
  return found
}

/**
 * Those of one client, or of all clients of the caller's organizations.
 * @throws Problem 404 for a client of others, 400 at `cursor`
 */
export async function listOwnClientCredentials(
  db: Db,
  caller: Identity,
  kind: ClientCredentialKind,
  { client_id: clientId, ...page }: PageRequest & { readonly client_id?: string | undefined },
): Promise<ListPage<ClientCredential>> {
  if (clientId === undefined)
    return listClientCredentials(
      db,
      kind,
      { organizations: organizationsOf(await findReach(db, caller)) },
      page,
    )
  await checkClientOf(db, caller, clientId, 'viewer')
  return listClientCredentials(db, kind, { clientId }, page)
}
