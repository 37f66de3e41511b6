/** When the rows of this room may go. Ended ones stay for a while: an in-flight request must still find them ended. */
import { sql } from 'kysely'
import type { SweepTarget } from '../db/sweep.ts'
import { MAX_ACCESS_TOKEN_LIFETIME } from '../resources/resource-schema.ts'
import { tokenSourceSweep } from './exchanged-token.ts'
import { LIFETIME } from './lifetimes.ts'

/** While an access token that came of it may be alive, the row says where its status is. */
const usedUp = sql<boolean>`expires_at < now() - interval '1 hour' AND coalesce(status_until, expires_at) < now()`

/** The same of refresh tokens; a day more, because a repeated refresh may have got another one. */
const usedUpLast = sql<boolean>`expires_at < now() - interval '1 day' AND (status_indexes IS NULL
  OR consumed_at < now() - make_interval(days => 1, secs => ${sql.lit(MAX_ACCESS_TOKEN_LIFETIME)}))`

export const oidcSweep: readonly SweepTarget[] = [
  {
    name: 'sessions',
    table: 'session',
    // Those without anybody are many: every visit to /end_session makes one.
    where: sql<boolean>`expires_at < now() AND (account_id IS NULL OR expires_at < now() - interval '1 day')`,
  },
  { name: 'interactions', table: 'interaction', where: sql<boolean>`expires_at < now() - interval '1 hour'` },
  {
    name: 'grants',
    table: 'authorization_grant',
    where: sql<boolean>`expires_at < now() - interval '1 day'`,
  },
  { name: 'codes', table: 'authorization_code', where: usedUp },
  {
    name: 'pushed authorization requests',
    table: 'pushed_authorization_request',
    // Whom the person answers late finds it, and uses it up; anybody can push for a public client.
    where: sql<boolean>`expires_at < now() - make_interval(secs => ${sql.lit(2 * LIFETIME.interaction)})`,
  },
  { name: 'device codes', table: 'device_code', where: usedUp },
  { name: 'refresh tokens', table: 'refresh_token', where: usedUpLast },
  {
    name: 'access tokens',
    table: 'access_token',
    where: sql<boolean>`expires_at < now() - interval '1 hour'`,
  },
  tokenSourceSweep,
]
