import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE authorization_code (
      id_hash bytea PRIMARY KEY,
      grant_id text NOT NULL,
      client_id text NOT NULL,
      account_id uuid NOT NULL,
      payload jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      consumed_at timestamptz
    )
  `.execute(db)
  await sql`
    CREATE INDEX authorization_code_expires_at ON authorization_code (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE authorization_code
  `.execute(db)
}
