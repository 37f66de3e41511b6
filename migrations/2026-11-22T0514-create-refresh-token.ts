import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE refresh_token (
      id_hash bytea PRIMARY KEY,
      predecessor_hash bytea,
      key_id text NOT NULL,
      grant_id text NOT NULL,
      client_id text NOT NULL,
      account_id uuid NOT NULL,
      payload jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      consumed_at timestamptz,
      successor_used boolean NOT NULL DEFAULT false
    )
  `.execute(db)
  await sql`
    CREATE INDEX refresh_token_grant ON refresh_token (grant_id)
  `.execute(db)
  await sql`
    CREATE INDEX refresh_token_expires_at ON refresh_token (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE refresh_token
  `.execute(db)
}
