/**
 * Accounts: the people who can sign in. This room owns their names, roles and memberships, and the pages where they see
 * their own things. It does not prove who somebody is (sign-in), keep sessions (oidc) or decide scopes (resources).
 * Called by every room to its right. A change that others must follow (name, roles, admin, disabled) appends a
 * change-log row of type `account` with `{ id }`, in the transaction of the change.
 */
import { sql } from 'kysely'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { newId } from '../db/id.ts'
import { Problem } from '../http/problem.ts'
import { isStorable, normalizeEmail, normalizeName, normalizeUsername } from './account-fields.ts'
import type { AccountDisabledBy } from './tables.ts'

export interface Account {
  readonly id: string
  readonly username: string
  readonly name: string
  readonly email: string | null
  readonly emailVerified: boolean
  readonly admin: boolean
  readonly disabled: boolean
  /** null unless it is disabled */
  readonly disabledBy: AccountDisabledBy | null
  readonly createdAt: Date
}

export interface NewAccount {
  readonly username: string
  readonly name: string
  readonly email?: string | null | undefined
  readonly emailVerified?: boolean | undefined
  /** argon2id, PHC string. Without one nobody can sign in with a password. */
  readonly passwordHash?: string | undefined
  readonly admin?: boolean | undefined
}

/** undefined: stays as it is. */
export interface AccountChanges {
  readonly name?: string | undefined
  readonly email?: string | null | undefined
  readonly emailVerified?: boolean | undefined
  readonly admin?: boolean | undefined
  readonly disabled?: boolean | undefined
  /** With `disabled`: an administrator unless said. What an administrator has shut stays his. */
  readonly disabledBy?: AccountDisabledBy | undefined
}

export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const COLUMNS = [
  'id',
  'username',
  'name',
  'email',
  'email_verified',
  'admin',
  'disabled_at',
  'disabled_by',
  'created_at',
] as const

interface Row {
  id: string
  username: string
  name: string
  email: string | null
  email_verified: boolean
  admin: boolean
  disabled_at: Date | null
  disabled_by: AccountDisabledBy | null
  created_at: Date
}

export const accountOf = (row: Row): Account => ({
  id: row.id,
  username: row.username,
  name: row.name,
  email: row.email,
  emailVerified: row.email_verified,
  admin: row.admin,
  disabled: row.disabled_at !== null,
  disabledBy: row.disabled_at === null ? null : (row.disabled_by ?? 'administrator'),
  createdAt: row.created_at,
})

/** Disabled ones too. Any text may be asked for. */
export async function findAccount(db: Db | Tx, id: string): Promise<Account | undefined> {
  if (!UUID.test(id)) return undefined
  const row = await db.selectFrom('account').select(COLUMNS).where('id', '=', id).executeTakeFirst()
  return row && accountOf(row)
}

/** Disabled ones too. The username is normalised here. Any text may be asked for. */
export async function findAccountByUsername(db: Db | Tx, username: string): Promise<Account | undefined> {
  const wanted = normalizeUsername(username)
  if (!isStorable(wanted)) return undefined
  const row = await db.selectFrom('account').select(COLUMNS).where('username', '=', wanted).executeTakeFirst()
  return row && accountOf(row)
}

/**
 * The fields are normalised here and have been checked by the caller (account-fields.ts).
 * @throws Problem 409 `conflict` with an error at `username` when it is taken.
 */
export async function createAccount(tx: Tx, account: NewAccount): Promise<Account> {
  const row = await tx
    .insertInto('account')
    .values({
      id: newId(),
      username: normalizeUsername(account.username),
      name: normalizeName(account.name),
      email: account.email ? normalizeEmail(account.email) : null,
      email_verified: account.emailVerified ?? false,
      password_hash: account.passwordHash ?? null,
      password_changed_at: account.passwordHash === undefined ? null : sql<Date>`clock_timestamp()`,
      admin: account.admin ?? false,
    })
    .onConflict(conflict => conflict.column('username').doNothing())
    .returning(COLUMNS)
    .executeTakeFirst()
  if (!row) throw usernameTaken()
  await appendChange(tx, 'account', { id: row.id })
  return accountOf(row)
}

const usernameTaken = () =>
  new Problem(409, 'conflict', 'The username is taken.', undefined, {
    errors: [{ path: 'username', message: 'This username is taken. Choose another one.' }],
  })

/** Writes nothing when nothing differs. Returns whether something did. An unknown id changes nothing. */
export async function updateAccount(tx: Tx, id: string, changes: AccountChanges): Promise<boolean> {
  const { disabled, disabledBy: by = 'administrator' } = changes
  const values = {
    name: changes.name === undefined ? undefined : normalizeName(changes.name),
    email: changes.email ? normalizeEmail(changes.email) : changes.email,
    email_verified: changes.emailVerified,
    admin: changes.admin,
  }
  const differences = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([column, value]) => sql<boolean>`${sql.ref(column)} IS DISTINCT FROM ${value}`)
  const takesOver = sql<boolean>`(disabled_by = 'delegate' AND ${by}::text = 'administrator')`
  if (disabled !== undefined) differences.push(sql<boolean>`(disabled_at IS NOT NULL) <> ${disabled}`)
  if (disabled) differences.push(takesOver)
  if (differences.length === 0) return false
  const row = await tx
    .updateTable('account')
    .set({ ...values, updated_at: sql`clock_timestamp()` })
    .$if(disabled !== undefined, query =>
      query.set({
        disabled_at: disabled ? sql`coalesce(disabled_at, clock_timestamp())` : null,
        disabled_by: disabled
          ? sql`CASE WHEN disabled_at IS NULL OR ${takesOver} THEN ${by} ELSE disabled_by END`
          : null,
      }),
    )
    .where('id', '=', id)
    .where(eb => eb.or(differences))
    .returning('id')
    .executeTakeFirst()
  if (!row) return false
  await appendChange(tx, 'account', { id })
  return true
}
