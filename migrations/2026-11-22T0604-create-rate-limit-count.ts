import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  // One row per slice of a credential's window: the slices that still count are summed.
  await sql`
    CREATE TABLE rate_limit_count (
      slice bigint NOT NULL,
      count bigint NOT NULL,
      expires_at timestamptz NOT NULL,
      credential_id text NOT NULL,
      PRIMARY KEY (credential_id, slice)
    ) WITH (fillfactor = 70)
  `.execute(db)
  await sql`
    CREATE INDEX rate_limit_count_expires_at ON rate_limit_count (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE rate_limit_count
  `.execute(db)
}
