import { sql } from 'kysely'
import { hashCandidates } from '../secrets/hash.ts'
import type { OidcDeps } from './deps.ts'

export interface FoundRefreshToken {
  readonly grantId: string
  readonly clientId: string
  readonly accountId: string
  /** Its grant has neither ended nor expired: one that was used up says that its successors are in danger, too. */
  readonly alive: boolean
}

/** Undefined when it is none of ours, or so old that its row is gone. */
export async function findRefreshToken(
  { db, keyring }: Pick<OidcDeps, 'db' | 'keyring'>,
  token: string,
): Promise<FoundRefreshToken | undefined> {
  const row = await db
    .selectFrom('refresh_token as t')
    .innerJoin('authorization_grant as g', 'g.id', 't.grant_id')
    .select(['g.id', 'g.client_id', 'g.account_id'])
    .select(sql<boolean>`g.ended_at IS NULL AND g.expires_at > clock_timestamp()`.as('alive'))
    .where('t.id_hash', 'in', hashCandidates(keyring, token))
    .executeTakeFirst()
  return row && { grantId: row.id, clientId: row.client_id, accountId: row.account_id, alive: row.alive }
}
