/** Who is signed in: the session's account, unless that is disabled or gone. Every page of this server asks here. */
import type { Db } from '../db/connect.ts'
import type { Context } from '../http/context.ts'
import { type Account, findAccount } from './account.ts'
import type { BrowserSession, BrowserSessions } from './browser-session.ts'

export interface SignedIn {
  readonly account: Account
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
  return account && !account.disabled ? { account, session } : undefined
}
