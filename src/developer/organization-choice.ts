import { findOrganization } from '../accounts/organization.ts'
import type { Db, Tx } from '../db/connect.ts'
import { validationFailed } from '../http/problem.ts'
import { checkReach, defaultOrganization, type Reach, roleIn } from './ownership.ts'

/**
 * Where something new goes: the organization that was asked for, or the only one the caller may write to.
 * @param asked null: none; undefined: not said
 * @throws Problem 400 when it must be said, does not exist or is not the caller's; 403 when the caller only looks on there
 */
export async function organizationFor(
  db: Db | Tx,
  reach: Reach,
  asked: string | null | undefined,
): Promise<string | null> {
  const chosen = asked === undefined ? defaultOrganization(reach) : asked
  if (chosen === undefined) {
    const message =
      reach.roles.size === 0 ? 'is needed, and you are in none: ask an administrator' : 'is needed: say which'
    throw validationFailed([{ path: 'organization', message }])
  }
  const known = chosen === null || (await findOrganization(db, chosen)) !== undefined
  if (!known || roleIn(reach, chosen) === undefined)
    throw validationFailed([{ path: 'organization', message: 'is not an organization of yours' }])
  checkReach(reach, chosen, 'developer')
  return chosen
}
