/** Who is signed in: the session's account, unless that is disabled or gone. Every page of this server asks here. */
import type { Db } from '../db/connect.ts'
import type { Context } from '../http/context.ts'
import { type Account, findAccount } from './account.ts'
import type { BrowserSession, BrowserSessions } from './browser-session.ts'
import { isMember } from './organization.ts'

export interface SignedIn {
  /** `member`: of some organization, so that pages lead to its clients and resources. */
  readonly account: Account & { readonly member: boolean }
  readonly session: BrowserSession
}

/** A disabled account is signed out, whatever its session says. */
export async function findSignedIn(
  ctx: Context,
  { db, sessions }: { db: Db; sessions: BrowserSessions },
): Promise<SignedIn | undefined> {
  const session = await sessions.find(ctx)
  if (!session) return undefined
  const account = await findAccount(db, session.accountId)
  if (!account || account.disabled) return undefined
  return { account: { ...account, member: await isMember(db, account.id) }, session }
}
