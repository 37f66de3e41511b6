import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE device_code (
      id text PRIMARY KEY,
      id_hash bytea NOT NULL UNIQUE,
      user_code_hash bytea NOT NULL UNIQUE,
      client_id text NOT NULL,
      payload jsonb NOT NULL,
      user_agent text,
      address inet,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      poll_interval integer NOT NULL,
      polled_at timestamptz,
      polled_too_soon boolean NOT NULL DEFAULT false,
      session_uid text,
      decided_at timestamptz,
      account_id uuid,
      grant_id text,
      consumed_at timestamptz
    )
  `.execute(db)
  await sql`
    CREATE INDEX device_code_expires_at ON device_code (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE device_code
  `.execute(db)
}
