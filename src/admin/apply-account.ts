/**
 * One account of the declarative file. Passwords are hashed before the transaction: argon2id takes its time. Whoever was
 * signed in with the password before a reset is signed out with it.
 */
import { sql } from 'kysely'
import { createAccount, findAccountByUsername, updateAccount } from '../accounts/account.ts'
import { findStoredPassword, setPasswordHash } from '../accounts/account-password.ts'
import { setAccountRoles } from '../accounts/role.ts'
import type { Audit } from '../audit/audit.ts'
import { appendChange } from '../db/change-log.ts'
import type { Db, Tx } from '../db/connect.ts'
import { endSessions } from '../oidc/end-session.ts'
import { revokeAll } from '../revocation/revocation.ts'
import { hashPassword, verifyPassword } from '../sign-in/password.ts'
import type { FileAccount } from './file-schema.ts'

/** The new hash by username; without an entry the password stays. */
export type PreparedPasswords = ReadonlyMap<string, string>

/** Who does it, for the audit. */
export const BY_FILE = { type: 'system', id: 'configuration' } as const

/** Hashes the passwords of accounts that do not exist yet, and of those to reset whose password is another one. */
export async function preparePasswords(db: Db, accounts: readonly FileAccount[]): Promise<PreparedPasswords> {
  const prepared = new Map<string, string>()
  for (const account of accounts) {
    const { username, password, password_hash: given, reset_password: reset } = account
    if (password === undefined && given === undefined) continue
    const stored = await findStoredPassword(db, username)
    if (stored && !reset) continue
    if (given !== undefined) {
      if (stored?.passwordHash !== given) prepared.set(username, given)
    } else if (
      password !== undefined &&
      !(stored?.passwordHash && (await verifyPassword(stored.passwordHash, password)))
    ) {
      prepared.set(username, await hashPassword(password))
    }
  }
  return prepared
}

export async function applyAccount(
  tx: Tx,
  audit: Pick<Audit, 'record' | 'recordAll'>,
  account: FileAccount,
  passwords: PreparedPasswords,
): Promise<{ id: string; changed: boolean }> {
  const existing = await findAccountByUsername(tx, account.username)
  const { id, changed } = existing
    ? { id: existing.id, changed: await update(tx, audit, existing.id, account, passwords) }
    : { id: await create(tx, account, passwords), changed: true }
  const rolesChanged = account.roles !== undefined && (await setAccountRoles(tx, id, account.roles))
  return { id, changed: changed || rolesChanged }
}

async function create(tx: Tx, account: FileAccount, passwords: PreparedPasswords): Promise<string> {
  const { id } = await createAccount(tx, {
    username: account.username,
    name: account.name ?? account.username,
    email: account.email,
    emailVerified: account.email_verified,
    passwordHash: passwords.get(account.username),
    admin: account.admin,
  })
  return id
}

async function update(
  tx: Tx,
  audit: Pick<Audit, 'record' | 'recordAll'>,
  id: string,
  account: FileAccount,
  passwords: PreparedPasswords,
): Promise<boolean> {
  const { name, email, email_verified: emailVerified, admin } = account
  const changed = await updateAccount(tx, id, { name, email, emailVerified, admin })
  const passwordHash = account.reset_password ? passwords.get(account.username) : undefined
  if (passwordHash === undefined) return changed
  await setPasswordHash(tx, id, passwordHash)
  await appendChange(tx, 'account', { id })
  await audit.record(tx, {
    type: 'password_reset',
    outcome: 'success',
    actor: BY_FILE,
    subject: { type: 'account', id },
  })
  await endSessionsOf(tx, audit, id)
  return true
}

/** After the new password is there: a sign-in with the old one that is under way looks for it (authenticate-password.ts). */
async function endSessionsOf(
  tx: Tx,
  audit: Pick<Audit, 'record' | 'recordAll'>,
  accountId: string,
): Promise<void> {
  const sessions = await tx
    .selectFrom('session')
    .select('uid')
    .where('account_id', '=', accountId)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .execute()
  const uids = sessions.map(({ uid }) => uid)
  await endSessions(tx, { revocations: { revokeAll }, audit }, uids, 'password_reset', { actor: BY_FILE })
}
