/**
 * ROOM: developer. Where members of an organization register clients and resources and make keys: the rules, the pages
 * and the JSON. It owns no table; what it writes, it writes through the rooms that do. app.ts mounts it and nobody else
 * calls it, but that the admin room shares its rules.
 *
 * This file says on which organizations a caller acts, and as what. A credential's scopes say what it may do at all; this
 * says on what. Both are needed.
 *
 * - An account acts on the organizations it is a member of, by its role there; an administrator on everything.
 * - A client acts on the organization it belongs to, as its owner: what it may do, its ceiling says.
 * - What has no organization belongs to the operator: administrators only.
 */
import type { OrganizationRole } from '../accounts/tables.ts'
import type { Db, Tx } from '../db/connect.ts'
import { notFound, Problem } from '../http/problem.ts'

export interface Reach {
  /** An administrator's: every organization, and what has none. */
  readonly everywhere: boolean
  readonly roles: ReadonlyMap<string, OrganizationRole>
}

/** Of a credential's identity, or of a person at a page. */
export interface Subject {
  readonly subject: { readonly type: 'account' | 'client'; readonly id: string }
  /** Of a client. */
  readonly organization?: string
}

const RANK: Readonly<Record<OrganizationRole, number>> = { viewer: 1, developer: 2, owner: 3 }
const NOWHERE: Reach = { everywhere: false, roles: new Map() }
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** One query for an account, none for a client. */
export async function findReach(db: Db | Tx, { subject, organization }: Subject): Promise<Reach> {
  if (subject.type === 'client')
    return organization === undefined
      ? NOWHERE
      : { everywhere: false, roles: new Map([[organization, 'owner']]) }
  if (!UUID.test(subject.id)) return NOWHERE
  const rows = await db
    .selectFrom('account')
    .leftJoin('organization_member', 'organization_member.account_id', 'account.id')
    .select(['account.admin', 'organization_member.organization_id', 'organization_member.role'])
    .where('account.id', '=', subject.id)
    .where('account.disabled_at', 'is', null)
    .execute()
  const roles = rows.flatMap(({ organization_id: id, role }) => (id && role ? [[id, role] as const] : []))
  return { everywhere: rows.some(({ admin }) => admin), roles: new Map(roles) }
}

/** The caller's role there; undefined: it must not even learn that there is such a thing. */
export function roleIn(reach: Reach, organizationId: string | null): OrganizationRole | undefined {
  if (reach.everywhere) return 'owner'
  return organizationId === null ? undefined : reach.roles.get(organizationId)
}

/** Whether the caller may do there what this role may. */
export function isAllowed(reach: Reach, organizationId: string | null, needed: OrganizationRole): boolean {
  const role = roleIn(reach, organizationId)
  return role !== undefined && RANK[role] >= RANK[needed]
}

/**
 * @param organizationId of the thing that is asked for; undefined: there is no such thing
 * @throws Problem 404 when the caller has no part in the organization, 403 when its role there does not reach
 */
export function checkReach(
  reach: Reach,
  organizationId: string | null | undefined,
  needed: OrganizationRole,
): void {
  if (organizationId === undefined || roleIn(reach, organizationId) === undefined) throw notFound()
  if (isAllowed(reach, organizationId, needed)) return
  throw new Problem(
    403,
    'access_denied',
    `This needs the role ${needed} in the organization.`,
    'the role in the organization does not reach',
  )
}

/** For lists: the ids of the organizations, or everything. */
export function organizationsOf(reach: Reach): readonly string[] | 'all' {
  return reach.everywhere ? 'all' : [...reach.roles.keys()]
}

/** Where something new of the caller's goes when the request does not say. Undefined: it must say. */
export function defaultOrganization(reach: Reach): string | null | undefined {
  const able = [...reach.roles.keys()].filter(id => isAllowed(reach, id, 'developer'))
  if (able.length === 1) return able[0]
  return reach.everywhere && able.length === 0 ? null : undefined
}
