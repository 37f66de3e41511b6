import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE access_token (
      id_hash bytea PRIMARY KEY,
      kind text NOT NULL CHECK (kind IN ('AccessToken', 'ClientCredentials')),
      grant_id text,
      client_id text NOT NULL,
      account_id uuid,
      payload jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL
    )
  `.execute(db)
  await sql`
    CREATE INDEX access_token_expires_at ON access_token (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE access_token
  `.execute(db)
}
