/**
 * The one-time link of the first run: the only way to the first administrator, so that there is no default password. It is
 * printed at every start until there is one. Stored: an HMAC of its token. It ends when used, after 24 hours, when a new
 * start prints another, and when there is an administrator.
 */
import { sql } from 'kysely'
import { createAccount } from '../accounts/account.ts'
import type { Audit, Source } from '../audit/audit.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import { transaction } from '../db/transaction.ts'
import { notFound, Problem } from '../http/problem.ts'
import { hashCandidates, hashSecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { randomToken } from '../secrets/token.ts'
import type { NewAccountFields } from '../sign-in/new-account.ts'
import { hashPassword } from '../sign-in/password.ts'

/** The token is in the query: the request log has paths only. */
export const FIRST_ACCOUNT_PATH = '/admin/first-account'

const LIFETIME_HOURS = 24

export const adminLinkSweep: SweepTarget = {
  name: 'admin links',
  table: 'admin_link',
  where: sql<boolean>`expires_at < now() - interval '7 days'`,
}

const noAdmin = sql<boolean>`NOT EXISTS (SELECT FROM account WHERE admin AND disabled_at IS NULL)`

/** @returns the path with its token; undefined when there is an administrator already */
export async function prepareAdminLink(db: Db, keyring: Keyring): Promise<string | undefined> {
  const token = randomToken()
  const { hash } = hashSecret(keyring, token)
  return await transaction(db, async tx => {
    await tx.deleteFrom('admin_link').where('used_at', 'is', null).execute()
    const { rows } = await sql`
      INSERT INTO admin_link (token_hash, expires_at)
      SELECT ${hash}, clock_timestamp() + make_interval(hours => ${LIFETIME_HOURS}) WHERE ${noAdmin}
      RETURNING token_hash
    `.execute(tx)
    return rows.length === 0 ? undefined : `${FIRST_ACCOUNT_PATH}?${new URLSearchParams({ token })}`
  })
}

/** Whether the link can be used now; looking does not use it. @throws Problem 404 unknown, 410 used, expired or too late */
export async function checkAdminLink(db: Db | Tx, keyring: Keyring, token: string): Promise<void> {
  const row = await db
    .selectFrom('admin_link')
    .select(sql<boolean>`used_at IS NULL AND expires_at > clock_timestamp() AND ${noAdmin}`.as('open'))
    .where(matches(keyring, token))
    .executeTakeFirst()
  if (!row) throw notFound('This link is not known. Start the server again: it prints a new one.')
  if (!row.open) throw linkIsOver()
}

/**
 * Makes the first administrator and uses the link up, both or neither: of many tries at once one succeeds.
 * @throws Problem 404 and 410 as `checkAdminLink`, 409 `conflict` with an error at `username` when that is taken
 */
export async function claimAdminLink(
  { db, keyring, audit }: { db: Db; keyring: Keyring; audit: Pick<Audit, 'record'> },
  token: string,
  { password, ...account }: NewAccountFields,
  source: Source,
): Promise<{ accountId: string }> {
  await checkAdminLink(db, keyring, token) // before the costly hash
  const passwordHash = await hashPassword(password)
  return await transaction(db, async tx => {
    await useUp(tx, keyring, token)
    const { id } = await createAccount(tx, { ...account, passwordHash, admin: true })
    await audit.record(tx, {
      type: 'first_admin_created',
      outcome: 'success',
      actor: { type: 'account', id },
      subject: { type: 'account', id },
      source,
    })
    return { accountId: id }
  })
}

/** All open links at once: two nodes that started together have printed two, and one administrator is made. */
async function useUp(tx: Tx, keyring: Keyring, token: string): Promise<void> {
  const { rows } = await sql<{ mine: boolean }>`
    UPDATE admin_link SET used_at = clock_timestamp()
    WHERE used_at IS NULL AND expires_at > clock_timestamp() AND ${noAdmin}
    RETURNING ${matches(keyring, token)} AS mine
  `.execute(tx)
  if (!rows.some(({ mine }) => mine)) throw linkIsOver()
}

const matches = (keyring: Keyring, token: string) =>
  sql<boolean>`token_hash = ANY(${hashCandidates(keyring, token)}::bytea[])`

const linkIsOver = () =>
  new Problem(
    410,
    'gone',
    'This link was used or is too old. If there is no administrator yet, start the server again.',
  )
