/** Members of an organization, one at a time. The declarative file sets all of them at once (organization.ts). */
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { type ListPage, type PageRequest, pageOf, readCursor } from '../http/page.ts'
import type { OrganizationRole } from './tables.ts'

export interface Member {
  readonly accountId: string
  readonly username: string
  readonly name: string
  readonly role: OrganizationRole
  readonly since: Date
}

export interface ShownOrganization {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** By id. @param ids some, or all there are */
export async function listOrganizations(
  db: Db | Tx,
  ids: readonly string[] | 'all',
  { limit, cursor }: PageRequest,
): Promise<ListPage<ShownOrganization>> {
  const [after] = cursor === undefined ? [] : readCursor(cursor, [/^[!-~]{1,200}$/])
  const rows = await db
    .selectFrom('organization')
    .select(['id', 'name', 'created_at'])
    .$if(ids !== 'all', query => query.where(sql<boolean>`id = ANY(${[...ids]}::text[])`))
    .$if(after !== undefined, query => query.where('id', '>', after ?? ''))
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  const page = pageOf(rows, limit, ({ id }) => [id])
  return {
    ...page,
    data: page.data.map(({ id, name, created_at: createdAt }) => ({ id, name, createdAt })),
  }
}

export async function findShownOrganization(db: Db | Tx, id: string): Promise<ShownOrganization | undefined> {
  const row = await db
    .selectFrom('organization')
    .select(['id', 'name', 'created_at'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row && { id: row.id, name: row.name, createdAt: row.created_at }
}

/** By account id, which is by age. */
export async function listMembers(
  db: Db | Tx,
  organizationId: string,
  { limit, cursor }: PageRequest,
): Promise<ListPage<Member>> {
  const [after] = cursor === undefined ? [] : readCursor(cursor, [UUID])
  const rows = await selectMembers(db, organizationId)
    .$if(after !== undefined, query => query.where('account_id', '>', after ?? ''))
    .orderBy('account_id')
    .limit(limit + 1)
    .execute()
  const page = pageOf(rows, limit, row => [row.account_id])
  return { ...page, data: page.data.map(toMember) }
}

/** Any text may be asked for. */
export async function findMember(
  db: Db | Tx,
  organizationId: string,
  accountId: string,
): Promise<Member | undefined> {
  if (!UUID.test(accountId)) return undefined
  const row = await selectMembers(db, organizationId).where('account_id', '=', accountId).executeTakeFirst()
  return row && toMember(row)
}

/** @returns whether anything changed; then the change log has it */
export async function setMember(
  tx: Tx,
  organizationId: string,
  accountId: string,
  role: OrganizationRole,
): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO organization_member AS m (organization_id, account_id, role)
    VALUES (${organizationId}, ${accountId}, ${role})
    ON CONFLICT (organization_id, account_id) DO UPDATE SET role = excluded.role WHERE m.role <> excluded.role
    RETURNING role
  `.execute(tx)
  if (rows.length > 0) await appendChange(tx, 'account', { id: accountId })
  return rows.length > 0
}

/** @returns whether it was one */
export async function removeMember(tx: Tx, organizationId: string, accountId: string): Promise<boolean> {
  const row = await tx
    .deleteFrom('organization_member')
    .where('organization_id', '=', organizationId)
    .where('account_id', '=', accountId)
    .returning('account_id')
    .executeTakeFirst()
  if (row) await appendChange(tx, 'account', { id: accountId })
  return row !== undefined
}

/** How many own it that can sign in. */
export async function countOwners(tx: Tx, organizationId: string): Promise<number> {
  const rows = await selectMembers(tx, organizationId)
    .where('role', '=', 'owner')
    .where('account.disabled_at', 'is', null)
    .execute()
  return rows.length
}

/** Makes those who change its members follow each other: the lock of its row, until the transaction ends. */
export async function lockOrganization(tx: Tx, id: string): Promise<void> {
  await tx
    .updateTable('organization')
    .set(eb => ({ name: eb.ref('name') }))
    .where('id', '=', id)
    .execute()
}

function selectMembers(db: Db | Tx, organizationId: string) {
  return db
    .selectFrom('organization_member')
    .innerJoin('account', 'account.id', 'organization_member.account_id')
    .select(['account_id', 'username', 'account.name', 'role', 'organization_member.created_at'])
    .where('organization_id', '=', organizationId)
}

type Row = Awaited<ReturnType<ReturnType<typeof selectMembers>['executeTakeFirstOrThrow']>>

const toMember = (row: Row): Member => ({
  accountId: row.account_id,
  username: row.username,
  name: row.name,
  role: row.role,
  since: row.created_at,
})
