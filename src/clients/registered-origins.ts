/**
 * The origins where registered clients run in a browser: those of the redirect URIs of clients that are not shut. Their
 * scripts may read answers of the JSON API; they never send a cookie.
 */
import { sql } from 'kysely'
import type { ChangeLog } from '../db/change-log.ts'
import type { Db } from '../db/connect.ts'

export interface RegisteredOrigins {
  /** @param origin as a browser sends it (RFC 6454, section 6.1) */
  has(origin: string): Promise<boolean>
  close(): void
}

export function createRegisteredOrigins({
  db,
  changeLog,
}: {
  db: Db
  changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
}): RegisteredOrigins {
  let known: Promise<ReadonlySet<string>> | undefined
  const forget = () => {
    known = undefined
  }
  const close = changeLog.subscribe('client', forget)
  return {
    async has(origin) {
      if (!changeLog.isFresh()) return (await readOrigins(db)).has(origin)
      known ??= readOrigins(db)
      const reading = known
      try {
        return (await reading).has(origin)
      } catch (error) {
        if (known === reading) forget()
        throw error
      }
    },
    close,
  }
}

async function readOrigins(db: Db): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ origin: string }>`
    SELECT DISTINCT substring(uri FROM '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]+') AS origin
    FROM client, unnest(redirect_uris) AS uri
    WHERE disabled_at IS NULL AND uri ~* '^https?://'
  `.execute(db)
  return new Set(rows.flatMap(({ origin }) => URL.parse(origin)?.origin ?? []))
}
