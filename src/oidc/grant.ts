/**
 * Grants: made when an authorization is answered, one for each, so that each has its own family of refresh tokens;
 * ended in one transaction that every node follows.
 */
import { sql } from 'kysely'
import { Provider } from 'oidc-provider'
import type { AuditEvent } from '../audit/audit.ts'
import type { Client } from '../clients/client.ts'
import type { Tx } from '../db/connect.ts'
import { transaction } from '../db/transaction.ts'
import { Problem } from '../http/problem.ts'
import { randomToken } from '../secrets/token.ts'
import type { Access } from './access.ts'
import { joinSession } from './backchannel-logout.ts'
import type { OidcDeps } from './deps.ts'
import { LIFETIME } from './lifetimes.ts'

export interface NewGrant {
  readonly accountId: string
  readonly client: Client
  /** Undefined for a device: it is not in the browser that allowed it, so it does not end with that session. */
  readonly sessionUid: string | undefined
  readonly granted: Access
  /** Asked for and not given: the library must not ask again. */
  readonly rejected: Access
}

const openidPart = (access: Access) =>
  access.openid.length > 0 ? { openid: { scope: access.openid.join(' ') } } : {}

const resourcesPart = (access: Access) => {
  const entries = [...access.resources].filter(([, scopes]) => scopes.length > 0)
  return entries.length > 0
    ? { resources: Object.fromEntries(entries.map(([resource, scopes]) => [resource, scopes.join(' ')])) }
    : {}
}

/** Seconds: a grant outlives everything it can give, and the time until that is fetched. */
async function lifetimeOf(
  { resources }: OidcDeps,
  { client, granted, sessionUid }: NewGrant,
): Promise<number> {
  const code = sessionUid === undefined ? LIFETIME.deviceCode : LIFETIME.authorizationCode
  if (client.grantTypes.includes('refresh_token')) return LIFETIME.refreshTokenAbsolute + code
  const found = await Promise.all([...granted.resources.keys()].map(identifier => resources.find(identifier)))
  const longest = Math.max(
    LIFETIME.opaqueAccessToken,
    ...found.map(resource => resource?.accessTokenLifetime ?? 0),
  )
  return longest + 2 * code
}

/** The browser session that should get the grant has ended meanwhile. */
export const signedOutMeanwhile = () =>
  new Problem(409, 'conflict', 'You were signed out meanwhile. Go back to the application and begin again.')

/**
 * Writes the grant, through which the client takes part in the session, and gives its id.
 * @throws Problem 409 when the session has ended: a request that was under way must not leave a grant behind
 */
export async function createGrant(tx: Tx, deps: OidcDeps, grant: NewGrant): Promise<string> {
  const id = randomToken(16)
  const payload = {
    ...openidPart(grant.granted),
    ...resourcesPart(grant.granted),
    rejected: { ...openidPart(grant.rejected), ...resourcesPart(grant.rejected) },
  }
  const offline = grant.sessionUid === undefined || grant.granted.openid.includes('offline_access')
  await sql`
    INSERT INTO authorization_grant (id, account_id, client_id, session_uid, offline, payload, expires_at)
    VALUES (${id}, ${grant.accountId}, ${grant.client.clientId}, ${grant.sessionUid ?? null}, ${offline}, ${JSON.stringify(payload)}::jsonb,
      clock_timestamp() + make_interval(secs => ${await lifetimeOf(deps, grant)}))
  `.execute(tx)
  if (grant.sessionUid !== undefined && !(await joinSession(tx, grant.sessionUid, grant.client.clientId)))
    throw signedOutMeanwhile()
  return id
}

export type GrantEnd = 'revoked' | 'code_reuse' | 'refresh_reuse' | 'withdrawn' | 'signed_out' | 'leaked'

interface GrantFilter {
  readonly id?: string
  readonly ids?: readonly string[]
  readonly sessionUids?: readonly string[]
  readonly accountId?: string
  readonly clientId?: string
}

/** What ending something takes. */
export interface EndDeps {
  readonly revocations: Pick<OidcDeps['revocations'], 'revokeAll'>
  readonly audit: Pick<OidcDeps['audit'], 'recordAll'>
}

/** What was done, for the audit; the actor is the client unless said. */
type EndedBy = Partial<Pick<AuditEvent, 'actor' | 'credential' | 'source'>>

/**
 * Ends the grants that match, within the caller's transaction. With `sessionUids` only those bound to a session: an
 * offline grant outlives it. @returns how many
 */
export async function endGrants(
  tx: Tx,
  deps: EndDeps,
  filter: GrantFilter,
  reason: string,
  by: EndedBy = {},
): Promise<number> {
  let update = tx
    .updateTable('authorization_grant')
    .set({ ended_at: sql<Date>`clock_timestamp()` })
    .where('ended_at', 'is', null)
  if (filter.id !== undefined) update = update.where('id', '=', filter.id)
  if (filter.ids !== undefined) update = update.where(sql<boolean>`id = ANY(${[...filter.ids]}::text[])`)
  if (filter.accountId !== undefined) update = update.where('account_id', '=', filter.accountId)
  if (filter.clientId !== undefined) update = update.where('client_id', '=', filter.clientId)
  if (filter.sessionUids !== undefined)
    update = update
      .where(sql<boolean>`session_uid = ANY(${[...filter.sessionUids]}::text[])`)
      .where('offline', '=', false)
  const ended = await update.returning(['id', 'client_id', 'account_id', 'expires_at']).execute()
  if (ended.length === 0) return 0
  await deps.revocations.revokeAll(
    tx,
    ended.map(grant => ({ kind: 'grant', id: grant.id, reason, expiresAt: grant.expires_at })),
  )
  await deps.audit.recordAll(
    tx,
    ended.map(grant => ({
      type: reason === 'refresh_reuse' || reason === 'code_reuse' ? reason : 'grant_revoked',
      outcome: 'success',
      actor: { type: 'client', id: grant.client_id },
      subject: { type: 'account', id: grant.account_id },
      clientId: grant.client_id,
      detail: { grant_id: grant.id, reason },
      ...by,
    })),
  )
  return ended.length
}

/** Ends one grant: every token issued for it stops working, on this node before the promise resolves. */
export async function endGrant(deps: OidcDeps, id: string, reason: GrantEnd): Promise<void> {
  await transaction(deps.db, tx => endGrants(tx, deps, { id }, reason))
  await deps.changeLog.catchUp()
}

/** Why the library ends a grant, told by the request under way. */
export function reasonOfRevocation(): GrantEnd {
  const oidc = Provider.ctx?.oidc
  if (oidc?.route !== 'token') return 'revoked'
  return oidc.params?.grant_type === 'refresh_token' ? 'refresh_reuse' : 'code_reuse'
}
