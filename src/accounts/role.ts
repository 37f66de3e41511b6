/** Roles give accounts restricted scopes. What they amount to is decided in resources/permission.ts. */
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'

export interface Role {
  readonly name: string
  /** Scope names by resource identifier. Both must exist. */
  readonly scopes: Readonly<Record<string, readonly string[]>>
}

/** Creates it or gives it exactly these scopes. Returns whether something changed; then a `role` row is in the log. */
export async function upsertRole(tx: Tx, { name, scopes }: Role): Promise<boolean> {
  const created = await tx
    .insertInto('role')
    .values({ name })
    .onConflict(conflict => conflict.column('name').doNothing())
    .returning('name')
    .executeTakeFirst()
  const pairs = Object.entries(scopes).flatMap(([resource, names]) =>
    names.map(scope => ({ resource, scope })),
  )
  const resources = pairs.map(pair => pair.resource)
  const names = pairs.map(pair => pair.scope)
  const removed = await sql`
    DELETE FROM role_scope
    WHERE role = ${name}
      AND (resource, scope) NOT IN (SELECT * FROM unnest(${resources}::text[], ${names}::text[]))
    RETURNING scope
  `.execute(tx)
  const added = await sql`
    INSERT INTO role_scope (role, resource, scope)
    SELECT ${name}, resource, scope FROM unnest(${resources}::text[], ${names}::text[]) AS given (resource, scope)
    ON CONFLICT DO NOTHING
    RETURNING scope
  `.execute(tx)
  const changed = created !== undefined || removed.rows.length > 0 || added.rows.length > 0
  if (changed) await appendChange(tx, 'role', { name })
  return changed
}

/** The account has exactly these roles from now on. Returns whether something changed. */
export async function setAccountRoles(tx: Tx, accountId: string, roles: readonly string[]): Promise<boolean> {
  const removed = await sql`
    DELETE FROM account_role
    WHERE account_id = ${accountId} AND NOT role = ANY(${[...roles]}::text[])
    RETURNING role
  `.execute(tx)
  const added = await sql`
    INSERT INTO account_role (account_id, role)
    SELECT ${accountId}::uuid, role FROM unnest(${[...roles]}::text[]) AS given (role)
    ON CONFLICT DO NOTHING
    RETURNING role
  `.execute(tx)
  if (removed.rows.length + added.rows.length === 0) return false
  await appendChange(tx, 'account', { id: accountId })
  return true
}

export async function listAccountRoles(db: Db | Tx, accountId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('account_role')
    .select('role')
    .where('account_id', '=', accountId)
    .orderBy('role')
    .execute()
  return rows.map(row => row.role)
}
