/**
 * The browser session: the library's row and cookie, read and written everywhere through this one object. Signing in at
 * /sign-in and within an authorization request are the same sign-in.
 */
import { sql } from 'kysely'
import type { Provider } from 'oidc-provider'
import type { BrowserSession, BrowserSessions, SessionSummary } from '../accounts/browser-session.ts'
import { type Context, sourceOf } from '../http/context.ts'
import { cookieOptions } from '../http/cookies.ts'
import { ACR_PASSWORD } from './authentication-context.ts'
import type { OidcDeps } from './deps.ts'
import { endSession } from './end-session.ts'
import { sessionLifetime } from './lifetimes.ts'

/** A session that is looked at is extended at most this often, in seconds. */
const TOUCH_EVERY = 300

interface BrowserSessionsByCookie extends BrowserSessions {
  /**
   * For who sees only the request's headers. The cookie's value is random and is looked up, so its signature, which saves
   * the library that look-up, is not asked for.
   */
  findByCookie(value: string): Promise<BrowserSession | undefined>
}

export function createBrowserSessions(deps: OidcDeps, provider: () => Provider): BrowserSessionsByCookie {
  const { db, cookies } = deps
  const found = new WeakMap<Context, Promise<BrowserSession | undefined>>()
  const cookie = { ...cookieOptions(cookies), signed: true }

  const cookieOf = (ctx: Context) => ctx.cookies.get(cookies.session, { signed: true })

  async function findByCookie(value: string): Promise<BrowserSession | undefined> {
    const session = await provider().Session.find(value)
    if (!session?.accountId || session.loginTs === undefined) return undefined
    await db
      .updateTable('session')
      .set({
        last_seen_at: sql<Date>`clock_timestamp()`,
        expires_at: sql<Date>`clock_timestamp() + make_interval(secs => ${sessionLifetime(session.loginTs)})`,
      })
      .where('uid', '=', session.uid)
      .where('ended_at', 'is', null)
      .where('last_seen_at', '<', sql<Date>`clock_timestamp() - make_interval(secs => ${TOUCH_EVERY})`)
      .execute()
    return {
      uid: session.uid,
      accountId: session.accountId,
      signedInAt: new Date(session.loginTs * 1000),
      amr: session.amr ?? [],
      ...(session.acr !== undefined && { acr: session.acr }),
    }
  }

  const find: BrowserSessions['find'] = ctx => {
    const known = found.get(ctx)
    if (known) return known
    const value = cookieOf(ctx)
    const reading = value === undefined ? Promise.resolve(undefined) : findSigned(ctx, value)
    found.set(ctx, reading)
    return reading
  }

  /** A cookie that an older key has signed is signed anew, so that the master secret of that key can go. */
  async function findSigned(ctx: Context, value: string): Promise<BrowserSession | undefined> {
    const session = await findByCookie(value)
    const signature = ctx.cookies.get(`${cookies.session}.sig`, { signed: false }) ?? ''
    // Not in the library's types.
    const { keys } = ctx.cookies as unknown as { keys: { index(signed: string, signature: string): number } }
    if (session && keys.index(`${cookies.session}=${value}`, signature) > 0) {
      const lifetime = sessionLifetime(session.signedInAt.getTime() / 1000)
      ctx.cookies.set(cookies.session, value, { ...cookie, expires: new Date(Date.now() + lifetime * 1000) })
    }
    return session
  }

  async function signIn(ctx: Context, accountId: string, { amr }: { amr: string[] }): Promise<void> {
    const { Session } = provider()
    const value = cookieOf(ctx)
    const before = value === undefined ? undefined : await Session.find(value)
    const renewed = before?.accountId === accountId ? before : undefined
    if (before && !renewed) await endSession(deps, before.uid, 'replaced', sourceOf(ctx))
    const session = renewed ?? new Session()
    // A new cookie value at every sign-in: one that was known before it is worth nothing after it.
    if (renewed) session.resetIdentifier()
    const signedInAt = new Date()
    const loginTs = Math.floor(signedInAt.getTime() / 1000)
    session.loginAccount({ accountId, loginTs, amr, acr: ACR_PASSWORD })
    await session.save(sessionLifetime(loginTs))
    const { address, userAgent } = sourceOf(ctx)
    await db
      .updateTable('session')
      .set({ address: address ?? null, user_agent: userAgent ?? null })
      .where('uid', '=', session.uid)
      .execute()
    ctx.cookies.set(cookies.session, session.jti, { ...cookie, expires: new Date(session.exp * 1000) })
    found.set(ctx, Promise.resolve({ uid: session.uid, accountId, signedInAt, amr, acr: ACR_PASSWORD }))
  }

  async function list(accountId: string): Promise<SessionSummary[]> {
    const rows = await db
      .selectFrom('session as s')
      .select(['s.uid', 's.user_agent', 's.address', 's.created_at', 's.last_seen_at', 's.expires_at'])
      .select(
        sql<string[]>`ARRAY(
          SELECT DISTINCT client.client_name FROM authorization_grant g JOIN client USING (client_id)
          WHERE g.session_uid = s.uid AND g.ended_at IS NULL AND g.expires_at > clock_timestamp() ORDER BY 1
        )`.as('applications'),
      )
      .where('s.account_id', '=', accountId)
      .where('s.ended_at', 'is', null)
      .where('s.expires_at', '>', sql<Date>`clock_timestamp()`)
      .orderBy('s.last_seen_at', 'desc')
      .execute()
    return rows.map(row => ({
      uid: row.uid,
      userAgent: row.user_agent,
      address: row.address,
      createdAt: row.created_at,
      lastSeenAt: row.last_seen_at,
      expiresAt: row.expires_at,
      applications: row.applications,
    }))
  }

  const signOut: BrowserSessions['signOut'] = async ctx => {
    const session = await find(ctx)
    if (session) await endSession(deps, session.uid, 'signed_out', sourceOf(ctx))
    ctx.cookies.set(cookies.session, null, cookie)
    found.set(ctx, Promise.resolve(undefined))
  }

  const endOthers: BrowserSessions['endOthers'] = async (accountId, uid, source) => {
    for (const session of await list(accountId))
      if (session.uid !== uid) await endSession(deps, session.uid, 'ended_by_owner', source)
  }

  return {
    find,
    findByCookie,
    signIn,
    signOut,
    list,

    async end(accountId, uid, source) {
      const own = (await list(accountId)).find(session => session.uid === uid)
      if (own) await endSession(deps, own.uid, 'ended_by_owner', source)
    },

    endOthers,

    async signOutEverywhere(ctx) {
      const session = await find(ctx)
      if (session) await endOthers(session.accountId, session.uid, sourceOf(ctx))
      await signOut(ctx)
    },
  }
}
