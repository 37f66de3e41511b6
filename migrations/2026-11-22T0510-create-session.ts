import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE session (
      uid text PRIMARY KEY,
      id_hash bytea NOT NULL UNIQUE,
      retired_hashes bytea[] NOT NULL DEFAULT '{}',
      account_id uuid,
      sealed_payload text NOT NULL,
      user_agent text,
      address inet,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      signed_in_at timestamptz,
      last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      ended_at timestamptz
    )
  `.execute(db)
  await sql`
    CREATE INDEX session_account ON session (account_id) WHERE ended_at IS NULL
  `.execute(db)
  await sql`
    CREATE INDEX session_expires_at ON session (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE session
  `.execute(db)
}
