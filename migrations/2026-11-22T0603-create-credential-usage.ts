import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE credential_usage (
      hour timestamptz NOT NULL,
      count bigint NOT NULL,
      credential_id text NOT NULL,
      outcome text NOT NULL CHECK (outcome IN ('success', 'refused')),
      PRIMARY KEY (credential_id, hour, outcome)
    )
  `.execute(db)
  await sql`
    CREATE INDEX credential_usage_hour ON credential_usage (hour)
  `.execute(db)
  await sql`
    CREATE TABLE credential_last_use (
      used_at timestamptz NOT NULL,
      credential_id text PRIMARY KEY,
      address inet,
      user_agent text
    ) WITH (fillfactor = 70)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE credential_last_use
  `.execute(db)
  await sql`
    DROP TABLE credential_usage
  `.execute(db)
}
