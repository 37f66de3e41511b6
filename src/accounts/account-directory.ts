/**
 * What decides about an account's permissions, by its id, from memory while the change log is fresh: whether it is
 * disabled, its roles' scopes, its roles in organizations. What they amount to is decided in resources/permission.ts.
 */
import { type RawBuilder, sql } from 'kysely'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { createFollowedCache, type FollowedCache } from '../db/followed-cache.ts'
import type { OrganizationRole } from './tables.ts'

export interface AccountStanding {
  readonly id: string
  readonly disabled: boolean
  readonly admin: boolean
  /** What its roles list: resource → scopes. */
  readonly roleScopes: ReadonlyMap<string, ReadonlySet<string>>
  /** Each role it has in some organization. */
  readonly organizationRoles: ReadonlySet<OrganizationRole>
}

export type AccountDirectory = FollowedCache<AccountStanding>

/** Disabled accounts are found, with `disabled: true`. */
export function createAccountDirectory({
  db,
  changeLog,
}: {
  db: Db
  changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
}): AccountDirectory {
  return createFollowedCache({
    changeLog,
    type: 'account',
    idOf: payload => payload.id,
    // A role that changed may be anybody's.
    alsoDroppedBy: ['role'],
    load: id => findAccountStanding(db, id),
  })
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Any text may be asked for. One query. */
export async function findAccountStanding(db: Db | Tx, id: string): Promise<AccountStanding | undefined> {
  if (!UUID.test(id)) return undefined
  const { rows } = await sql<{ standing: AccountStandingJson | null }>`
    SELECT ${accountStandingJson(sql`${id}::uuid`)} AS standing
  `.execute(db)
  const [row] = rows
  return row?.standing ? toAccountStanding(row.standing) : undefined
}

export interface AccountStandingJson {
  readonly id: string
  readonly disabled: boolean
  readonly admin: boolean
  readonly role_scopes: Readonly<Record<string, readonly string[]>> | null
  readonly organization_roles: readonly OrganizationRole[] | null
}

/** A subquery for other statements: null when there is no such account. */
export function accountStandingJson(id: RawBuilder<unknown>) {
  return sql<AccountStandingJson | null>`(
    SELECT jsonb_build_object(
      'id', account.id, 'disabled', account.disabled_at IS NOT NULL, 'admin', account.admin,
      'role_scopes', (
        SELECT jsonb_object_agg(resource, scopes) FROM (
          SELECT role_scope.resource, jsonb_agg(DISTINCT role_scope.scope) AS scopes
          FROM account_role JOIN role_scope ON role_scope.role = account_role.role
          WHERE account_role.account_id = account.id GROUP BY role_scope.resource
        ) AS per_resource
      ),
      'organization_roles', (
        SELECT jsonb_agg(DISTINCT role) FROM organization_member WHERE organization_member.account_id = account.id
      )
    )
    FROM account WHERE account.id = ${id}
  )`
}

export function toAccountStanding(json: AccountStandingJson): AccountStanding {
  return {
    id: json.id,
    disabled: json.disabled,
    admin: json.admin,
    roleScopes: new Map(
      Object.entries(json.role_scopes ?? {}).map(([resource, scopes]) => [resource, new Set(scopes)]),
    ),
    organizationRoles: new Set(json.organization_roles ?? []),
  }
}
