/**
 * Browsers that somebody signed in with before. Such a device counts its tries apart (throttle.ts), so that a stranger
 * who guesses cannot lock the owner out. The cookie proves nothing else: it is no session and skips no password.
 * One token per browser, one row per account that used it, for a year after the last sign-in.
 */
import { sql } from 'kysely'
import { normalizeUsername } from '../accounts/account-fields.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import type { Context } from '../http/context.ts'
import { type CookieNames, readCookie, setCookie } from '../http/cookies.ts'
import { hashCandidates, hashSecret } from '../secrets/hash.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { randomToken } from '../secrets/token.ts'

const LIFETIME_SECONDS = 365 * 24 * 3600

export const deviceSweep: SweepTarget = {
  name: 'known devices',
  table: 'known_device',
  where: sql<boolean>`expires_at < now()`,
}

export interface Devices {
  /** A name for this device if the account's owner signed in from it before. Takes no less for a username nobody has. */
  find(ctx: Context, username: string): Promise<string | undefined>
  /** Call with the transaction of the sign-in, and what it returns when that is committed: it sets the cookie. */
  remember(ctx: Context, tx: Tx, accountId: string): Promise<() => void>
}

export function createDevices({
  db,
  keyring,
  cookies,
}: {
  db: Db
  keyring: Keyring
  cookies: CookieNames
}): Devices {
  const tokenOf = (ctx: Context) => readCookie(ctx, cookies.device)
  const isKnown = async (queries: Db | Tx, token: string) => {
    const { rows } = await sql`
      SELECT 1 FROM known_device
      WHERE id_hash = ANY(${hashCandidates(keyring, token)}) AND expires_at > clock_timestamp()
      LIMIT 1
    `.execute(queries)
    return rows.length > 0
  }

  return {
    async find(ctx, username) {
      const token = tokenOf(ctx)
      if (!token) return undefined
      const { rows } = await sql<{ id_hash: Buffer }>`
        SELECT known_device.id_hash FROM known_device JOIN account ON account.id = known_device.account_id
        WHERE account.username = ${normalizeUsername(username)}
          AND known_device.id_hash = ANY(${hashCandidates(keyring, token)})
          AND known_device.expires_at > clock_timestamp()
        LIMIT 1
      `.execute(db)
      return rows[0]?.id_hash.toString('base64url')
    },
    async remember(ctx, tx, accountId) {
      const presented = tokenOf(ctx)
      // Only a token that we gave out is kept: one that somebody planted in the browser gets replaced.
      const token = presented && (await isKnown(tx, presented)) ? presented : randomToken()
      await sql`
        INSERT INTO known_device (id_hash, account_id, expires_at)
        VALUES (${hashSecret(keyring, token).hash}, ${accountId}, clock_timestamp() + make_interval(secs => ${LIFETIME_SECONDS}))
        ON CONFLICT (id_hash, account_id) DO UPDATE
          SET last_seen_at = clock_timestamp(), expires_at = excluded.expires_at
      `.execute(tx)
      await sql`
        DELETE FROM known_device WHERE account_id = ${accountId}
          AND id_hash = ANY (${hashCandidates(keyring, token)}) AND id_hash <> ${hashSecret(keyring, token).hash}
      `.execute(tx)
      return () => setCookie(ctx, cookies, 'device', token, { maxAge: LIFETIME_SECONDS })
    },
  }
}
