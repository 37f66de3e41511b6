/**
 * Exchanged access tokens (RFC 8693) as they are issued: what they say of where they come from, and what is recorded, so
 * that a status list (keys/status-lists.ts) revokes a JWT when something ends that it came of. Its own client is told by
 * the block of its index, itself by its id; a row here says the rest, for as long as the token could be alive.
 */
import { type RawBuilder, sql } from 'kysely'
import { type ExchangeClaims, type Exchanged, exchangeClaims } from '../credentials/exchanged.ts'
import type { Db } from '../db/connect.ts'
import type { SweepTarget } from '../db/sweep.ts'
import { endedAccounts, endedClients, type FindRevoked } from '../keys/revoked-indexes.ts'
import { packStatus, type StatusReference, unpackStatus } from '../keys/status-reference.ts'

/** Seconds that a token may be taken for alive after its expiry, by somebody else's clock. */
const MARGIN = 300

const exchanged = new WeakMap<object, Exchanged>()

/** @param token of the library, before it is saved */
export function rememberExchanged(token: object, from: Exchanged): void {
  exchanged.set(token, from)
}

export const findExchanged = (token: object | undefined): Exchanged | undefined =>
  token && exchanged.get(token)

/** Its claims beside the standard ones. */
export function claimsOfExchange(token: object): Record<string, unknown> | undefined {
  const from = exchanged.get(token)
  return from && { ...exchangeClaims(from) }
}

/** What whoever asks about an opaque one may see of what it keeps. */
export function shownOfExchange({ sub, act, env }: Partial<ExchangeClaims>): Record<string, unknown> {
  return { sub, act, ...(env !== undefined && { env }) }
}

/** @param lifetime seconds */
export async function recordSources(
  db: Db,
  status: StatusReference,
  { sources }: Exchanged,
  lifetime: number,
): Promise<void> {
  await sql`
    INSERT INTO token_source (status, kind, id, issued_at, expires_at)
    SELECT ${packStatus(status)}::bigint, kind, id, issued_at,
      clock_timestamp() + make_interval(secs => ${lifetime + MARGIN})
    FROM unnest(
      ${sources.map(({ kind }) => kind)}::text[], ${sources.map(({ id }) => id)}::text[],
      ${sources.map(({ issuedAt = null }) => issuedAt)}::timestamptz[]
    ) AS source (kind, id, issued_at)
    ON CONFLICT DO NOTHING
  `.execute(db)
}

export const tokenSourceSweep: SweepTarget = {
  name: 'sources of exchanged tokens',
  table: 'token_source',
  where: sql<boolean>`expires_at < now()`,
}

/** As as-of-now.ts has it, and with what can be opened again: a client, an account, a key in quarantine. */
const HAS_ENDED = (since: Date): RawBuilder<boolean> => sql`(
  EXISTS (SELECT 1 FROM revocation r WHERE r.kind = source.kind AND r.id = source.id
    AND (r.kind <> 'issuance' OR source.issued_at <= r.revoked_at))
  OR source.kind = 'client' AND source.id IN (SELECT ended.id FROM ${endedClients(since)} AS ended)
  OR source.kind = 'account' AND source.id IN (SELECT ended.id FROM ${endedAccounts(since)} AS ended)
  OR source.kind = 'credential' AND NOT EXISTS (SELECT 1 FROM minted_token m
    WHERE m.id = source.id AND m.revoked_at IS NULL AND m.quarantined_at IS NULL)
)`

/** Of tokens that came of something that has ended. */
export const findTokensOfEndedSources: FindRevoked = async (db, { id, since }) => {
  const lowest = packStatus({ listId: id, idx: 0 })
  const highest = packStatus({ listId: id + 1, idx: 0 })
  const { rows } = await sql<{ status: string }>`
    SELECT DISTINCT status FROM token_source AS source
    WHERE status >= ${lowest}::bigint AND status < ${highest}::bigint AND ${HAS_ENDED(since)}
  `.execute(db)
  return rows.map(({ status }) => ({ first: unpackStatus(status).idx, size: 1 }))
}
