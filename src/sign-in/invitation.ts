/** Invitations: with SIGN_UP=invite an account is made with a token that somebody handed on. Single use, 7 days. */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import { Problem } from '../http/problem.ts'
import { hashCandidates, hashSecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { randomToken } from '../secrets/token.ts'

const LIFETIME_SECONDS = 7 * 24 * 3600

export const invitationSweep: SweepTarget = {
  name: 'invitations',
  table: 'invitation',
  where: sql<boolean>`expires_at < now()`,
}

/** @param createdBy the account that invites. Returns the token, which is stored as a hash only. */
export async function createInvitation(tx: Db | Tx, keyring: Keyring, createdBy: string): Promise<string> {
  const token = randomToken()
  const { hash, pepperId } = hashSecret(keyring, token)
  await tx
    .insertInto('invitation')
    .values({
      token_hash: hash,
      pepper_id: pepperId,
      created_by: createdBy,
      expires_at: sql<Date>`clock_timestamp() + make_interval(secs => ${LIFETIME_SECONDS})`,
    })
    .execute()
  return token
}

/** Whether it would be accepted now. Deciding is left to `claimInvitation`. */
export async function isInvitationOpen(db: Db | Tx, keyring: Keyring, token: string): Promise<boolean> {
  const row = await db
    .selectFrom('invitation')
    .select('created_by')
    .where('token_hash', 'in', hashCandidates(keyring, token))
    .where('used_at', 'is', null)
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Uses it up, in the transaction that creates the account: of many at once one gets it.
 * @throws Problem 403 when it is unknown, used or over
 */
export async function claimInvitation(tx: Tx, keyring: Keyring, token: string): Promise<void> {
  const row = await tx
    .updateTable('invitation')
    .set({ used_at: sql`clock_timestamp()` })
    .where('token_hash', 'in', hashCandidates(keyring, token))
    .where('used_at', 'is', null)
    .where('expires_at', '>', sql<Date>`clock_timestamp()`)
    .returning('created_by')
    .executeTakeFirst()
  if (!row) throw invitationNeeded()
}

/** One answer for none, a wrong one, a used one and an old one. */
export function invitationNeeded(): Problem {
  return new Problem(403, 'access_denied', 'Creating an account here takes an invitation that is still open.')
}
