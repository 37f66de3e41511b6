/** Organizations own clients and resources, so that these outlive the person who made them. */
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { OrganizationRole } from './tables.ts'

export interface Organization {
  readonly id: string
  readonly name: string
}

export interface Membership {
  readonly accountId: string
  readonly role: OrganizationRole
}

export function findOrganization(db: Db | Tx, id: string): Promise<Organization | undefined> {
  return db.selectFrom('organization').select(['id', 'name']).where('id', '=', id).executeTakeFirst()
}

/** Whether the account is in any organization. */
export async function isMember(db: Db | Tx, accountId: string): Promise<boolean> {
  const row = await db
    .selectFrom('organization_member')
    .select('organization_id')
    .where('account_id', '=', accountId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Creates it or gives it this name. Returns whether something changed. */
export async function upsertOrganization(tx: Tx, { id, name }: Organization): Promise<boolean> {
  const row = await tx
    .insertInto('organization')
    .values({ id, name })
    .onConflict(conflict =>
      conflict.column('id').doUpdateSet({ name }).where(sql`organization.name`, 'is distinct from', name),
    )
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Exactly these are members from now on; one account at most once. Everyone who is concerned gets a change-log row. */
export async function setMembers(
  tx: Tx,
  organizationId: string,
  members: readonly Membership[],
): Promise<boolean> {
  const accountIds = members.map(member => member.accountId)
  const removed = await sql<{ account_id: string }>`
    DELETE FROM organization_member
    WHERE organization_id = ${organizationId} AND NOT account_id = ANY(${accountIds}::uuid[])
    RETURNING account_id
  `.execute(tx)
  const written = await sql<{ account_id: string }>`
    INSERT INTO organization_member AS m (organization_id, account_id, role)
    SELECT ${organizationId}, account_id, role
    FROM unnest(${accountIds}::uuid[], ${members.map(member => member.role)}::text[]) AS given (account_id, role)
    ON CONFLICT (organization_id, account_id) DO UPDATE SET role = excluded.role WHERE m.role <> excluded.role
    RETURNING account_id
  `.execute(tx)
  const concerned = [...removed.rows, ...written.rows]
  for (const { account_id: id } of concerned) await appendChange(tx, 'account', { id })
  return concerned.length > 0
}
