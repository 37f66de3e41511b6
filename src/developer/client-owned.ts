/** What belongs to a client belongs to the client's organization: who may see and change it there. */
import { findClient } from '../clients/client.ts'
import type { Identity } from '../credentials/kind.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../http/problem.ts'
import { checkReach, findReach } from './ownership.ts'

type Needed = 'viewer' | 'developer'

/**
 * For a request that names the client in `client_id`.
 * @throws Problem 404, also for a client of others; 403
 */
export async function checkClientOf(
  db: Db,
  caller: Identity,
  clientId: string,
  needed: Needed,
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
  needed: Needed,
): Promise<void> {
  const client = await findClient(db, owner.id)
  checkReach(await findReach(db, caller), client?.organizationId, needed)
}
