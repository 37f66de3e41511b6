/**
 * What is known of the documents that clients describe themselves with: when each was read, and for how long what it said
 * holds. The client itself is a row like any other, with `registration` 'metadata_document'; it goes when nobody uses it,
 * as others that registered themselves. Time is the database's.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../db/connect.ts'

/** Seconds. A document that cannot be read any more holds for this long after it was last read, and no longer. */
export const DOCUMENT_MAX_AGE = 3 * 86_400
/** Seconds. So often at most is a document asked for that could not be read, on all nodes together. */
const RETRY_AFTER = 60

export interface DocumentState {
  /** It need not be read again yet. */
  readonly fresh: boolean
  /** What it said may still be used. */
  readonly usable: boolean
}

export async function findDocumentState(db: Db, clientId: string): Promise<DocumentState | undefined> {
  return await db
    .selectFrom('client_metadata_document')
    .select([
      sql<boolean>`fresh_until > clock_timestamp()`.as('fresh'),
      sql<boolean>`usable_until > clock_timestamp()`.as('usable'),
    ])
    .where('client_id', '=', clientId)
    .executeTakeFirst()
}

/** Whether it is the caller's turn to read the document again: for one of those who ask at the same time. */
export async function claimReading(db: Db, clientId: string): Promise<boolean> {
  const row = await db
    .updateTable('client_metadata_document')
    .set({ tried_at: sql<Date>`clock_timestamp()` })
    .where('client_id', '=', clientId)
    .where(sql<boolean>`fresh_until <= clock_timestamp()`)
    .where(sql<boolean>`tried_at <= clock_timestamp() - make_interval(secs => ${RETRY_AFTER})`)
    .returning('client_id')
    .executeTakeFirst()
  return row !== undefined
}

/** The document was read just now. @param seconds for how long it need not be read again */
export async function keepDocument(tx: Tx, clientId: string, seconds: number): Promise<void> {
  await sql`
    INSERT INTO client_metadata_document (client_id, fetched_at, fresh_until, usable_until, tried_at)
    SELECT ${clientId}, at, at + make_interval(secs => ${seconds}), at + make_interval(secs => ${DOCUMENT_MAX_AGE}), at
    FROM clock_timestamp() AS at
    ON CONFLICT (client_id) DO UPDATE SET fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until,
      usable_until = excluded.usable_until, tried_at = excluded.tried_at
  `.execute(tx)
}
