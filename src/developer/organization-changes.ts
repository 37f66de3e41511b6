/** Organizations and their members. Administrators make organizations; owners name them and say who belongs to them. */
import { findAccountByUsername } from '../accounts/account.ts'
import {
  countOwners,
  findMember,
  findShownOrganization,
  lockOrganization,
  type Member,
  removeMember,
  type ShownOrganization,
  setMember,
} from '../accounts/membership.ts'
import { findOrganization, upsertOrganization } from '../accounts/organization.ts'
import type { OrganizationRole } from '../accounts/tables.ts'
import type { Tx } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import { notFound, Problem, validationFailed } from '../http/problem.ts'
import { type Actor, change, type DeveloperDeps, recordChange } from './change.ts'
import { checkReach, findReach, type Reach } from './ownership.ts'

/** @throws Problem 403 for anybody but an administrator, 409 when the id is taken */
export async function createOrganization(
  deps: DeveloperDeps,
  actor: Actor,
  { id = newId(), name }: { readonly id?: string | undefined; readonly name: string },
): Promise<ShownOrganization> {
  return change(deps, async tx => {
    const reach = await findReach(tx, actor.identity)
    if (!reach.everywhere)
      throw new Problem(403, 'access_denied', 'Only an administrator can make an organization.')
    if (await findOrganization(tx, id)) throw idTaken()
    await upsertOrganization(tx, { id, name })
    await record(tx, deps, actor, 'organization_created', id, { name })
    return getShown(tx, id)
  })
}

/** @throws Problem 404, 403 */
export async function renameOrganization(
  deps: DeveloperDeps,
  actor: Actor,
  id: string,
  name: string | undefined,
): Promise<ShownOrganization> {
  return change(deps, async tx => {
    await getOwned(tx, actor, id)
    if (name !== undefined && (await upsertOrganization(tx, { id, name })))
      await record(tx, deps, actor, 'organization_changed', id, { name })
    return getShown(tx, id)
  })
}

/** @throws Problem 404, 403, 400 when there is no such account, 409 when it is a member already */
export async function addMember(
  deps: DeveloperDeps,
  actor: Actor,
  id: string,
  { account, role }: { readonly account: string; readonly role: OrganizationRole },
): Promise<Member> {
  return change(deps, async tx => {
    await getOwned(tx, actor, id)
    const found = await findAccountByUsername(tx, account)
    if (!found) throw validationFailed([{ path: 'account', message: 'is not the username of an account' }])
    if (await findMember(tx, id, found.id))
      throw new Problem(409, 'conflict', 'The account is a member already.')
    await setMember(tx, id, found.id, role)
    await record(tx, deps, actor, 'member_added', id, { account_id: found.id, role })
    return getMember(tx, id, found.id)
  })
}

/** @throws Problem 404, 403, 409 for the last owner */
export async function changeMember(
  deps: DeveloperDeps,
  actor: Actor,
  { id, accountId }: { readonly id: string; readonly accountId: string },
  role: OrganizationRole,
): Promise<Member> {
  return change(deps, async tx => {
    const reach = await getOwned(tx, actor, id)
    await getMember(tx, id, accountId)
    if (await setMember(tx, id, accountId, role)) {
      await keepAnOwner(tx, reach, id)
      await record(tx, deps, actor, 'member_changed', id, { account_id: accountId, role })
    }
    return getMember(tx, id, accountId)
  })
}

/** @throws Problem 404, 403, 409 for the last owner */
export async function dropMember(
  deps: DeveloperDeps,
  actor: Actor,
  { id, accountId }: { readonly id: string; readonly accountId: string },
): Promise<void> {
  await change(deps, async tx => {
    const reach = await getOwned(tx, actor, id)
    await getMember(tx, id, accountId)
    await removeMember(tx, id, accountId)
    await keepAnOwner(tx, reach, id)
    await record(tx, deps, actor, 'member_removed', id, { account_id: accountId })
  })
}

/** The role that counts is the one after everybody before has finished. */
async function getOwned(tx: Tx, { identity }: Actor, id: string): Promise<Reach> {
  await lockOrganization(tx, id)
  const reach = await findReach(tx, identity)
  checkReach(reach, (await findOrganization(tx, id))?.id, 'owner')
  return reach
}

async function getMember(tx: Tx, id: string, accountId: string): Promise<Member> {
  const member = await findMember(tx, id, accountId)
  if (!member) throw notFound()
  return member
}

async function getShown(tx: Tx, id: string): Promise<ShownOrganization> {
  const organization = await findShownOrganization(tx, id)
  if (!organization) throw notFound()
  return organization
}

/** Nobody locks everybody out by accident; an administrator may. */
async function keepAnOwner(tx: Tx, reach: Reach, id: string): Promise<void> {
  if (reach.everywhere || (await countOwners(tx, id)) > 0) return
  throw new Problem(409, 'conflict', 'An organization needs an owner: name another one first.')
}

const idTaken = () =>
  new Problem(409, 'conflict', 'The id is taken.', undefined, {
    errors: [{ path: 'id', message: 'is taken: choose another one' }],
  })

async function record(
  tx: Tx,
  { audit }: DeveloperDeps,
  actor: Actor,
  type: string,
  id: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  await recordChange(tx, audit, actor, {
    type,
    subject: { type: 'organization', id },
    organizationId: id,
    detail,
  })
}
