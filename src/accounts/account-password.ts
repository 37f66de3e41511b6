/** The stored password of an account: a PHC string that only the sign-in room can make and check. */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import { isStorable, normalizeUsername } from './account-fields.ts'

export interface StoredPassword {
  readonly accountId: string
  /** null: this account has no password. */
  readonly passwordHash: string | null
  readonly disabled: boolean
}

/** The username is normalised here. Any text may be asked for. */
export async function findStoredPassword(db: Db | Tx, username: string): Promise<StoredPassword | undefined> {
  const wanted = normalizeUsername(username)
  if (!isStorable(wanted)) return undefined
  const row = await db
    .selectFrom('account')
    .select(['id', 'password_hash', 'disabled_at'])
    .where('username', '=', wanted)
    .executeTakeFirst()
  return row && { accountId: row.id, passwordHash: row.password_hash, disabled: row.disabled_at !== null }
}

/** A new password. */
export async function setPasswordHash(tx: Tx, accountId: string, passwordHash: string): Promise<void> {
  await tx
    .updateTable('account')
    .set({
      password_hash: passwordHash,
      password_changed_at: sql`clock_timestamp()`,
      updated_at: sql`clock_timestamp()`,
    })
    .where('id', '=', accountId)
    .execute()
}

/**
 * Whether the account is still enabled and has this very hash: asked in the transaction that lets somebody in, because
 * checking the password took a while.
 */
export async function hasPasswordHash(tx: Tx, accountId: string, passwordHash: string): Promise<boolean> {
  const row = await tx
    .selectFrom('account')
    .select('id')
    .where('id', '=', accountId)
    .where('password_hash', '=', passwordHash)
    .where('disabled_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

/** The same password under today's parameters, unless somebody changed it meanwhile. */
export async function replacePasswordHash(
  tx: Tx,
  accountId: string,
  { current, better }: { current: string; better: string },
): Promise<void> {
  await tx
    .updateTable('account')
    .set({ password_hash: better })
    .where('id', '=', accountId)
    .where('password_hash', '=', current)
    .execute()
}
