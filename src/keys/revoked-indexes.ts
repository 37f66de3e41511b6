/**
 * What is set in a status list, derived from what has ended: no list of bits is kept, so no race can lose one, and what
 * is opened again is valid again. Here: tokens that were revoked by their own id, and all blocks of clients that were
 * revoked, deleted or are disabled. Tokens of grants: the oidc room's (revoked-grant-indexes.ts).
 */
import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../db/connect.ts'
import { BLOCK_USABLE } from './lease-status-blocks.ts'
import { statusOfTokenId } from './status-reference.ts'

export interface LivingList {
  readonly id: number
  /** Before anything in it was issued: what had ended by then has no token in it. */
  readonly since: Date
}

export interface IndexRange {
  readonly first: number
  readonly size: number
}

/** Asks the database which indexes of a list are revoked now. */
export type FindRevoked = (db: Db, list: LivingList) => Promise<readonly IndexRange[]>

/**
 * A subquery with the column `id`: clients that are shut, or were ended since then. One that was ended before and was
 * described again stays ended, for as long as its revocation is remembered (credentials/end-client.ts).
 */
export function endedClients(since: Date): RawBuilder<{ id: string }> {
  return sql`(
    SELECT r.id FROM revocation r WHERE r.kind = 'client'
      AND (r.revoked_at > ${since} OR EXISTS (SELECT 1 FROM client c WHERE c.client_id = r.id))
    UNION SELECT client_id FROM client WHERE disabled_at > ${since}
  )`
}

/** The same of accounts. */
export function endedAccounts(since: Date): RawBuilder<{ id: string }> {
  return sql`(
    SELECT r.id FROM revocation r WHERE r.kind = 'account' AND r.revoked_at > ${since}
    UNION SELECT id::text FROM account WHERE disabled_at > ${since}
  )`
}

export const findRevokedTokens: FindRevoked = async (db, { id }) => {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM revocation WHERE kind = 'token' AND split_part(id, '-', 2) = ${String(id)}
  `.execute(db)
  return rows.flatMap(row => {
    const reference = statusOfTokenId(row.id)
    return reference ? [{ first: reference.idx, size: 1 }] : []
  })
}

/** Blocks that were begun before all that their client had got for itself was revoked; it goes on with others. */
export const findBlocksOfEndedIssuance: FindRevoked = async (db, { id }) => {
  const { rows } = await sql<IndexRange>`
    SELECT block.first, block.size FROM status_block block
    JOIN revocation r ON r.kind = 'issuance' AND r.id = block.client_id
      AND block.usable_until - make_interval(secs => ${sql.lit(BLOCK_USABLE)}) <= r.revoked_at
    WHERE block.list_id = ${id}
  `.execute(db)
  return rows
}

export const findBlocksOfEndedClients: FindRevoked = async (db, { id, since }) => {
  const { rows } = await sql<IndexRange>`
    SELECT block.first, block.size FROM status_block block JOIN ${endedClients(since)} ended ON ended.id = block.client_id
    WHERE block.list_id = ${id}
  `.execute(db)
  return rows
}
