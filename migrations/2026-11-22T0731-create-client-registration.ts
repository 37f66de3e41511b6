import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE client_registration (
      client_id text PRIMARY KEY REFERENCES client ON DELETE CASCADE,
      token_hash bytea NOT NULL,
      pepper_id text NOT NULL,
      initial_access_token text REFERENCES initial_access_token ON DELETE SET NULL,
      source_hash bytea,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE client_registration
  `.execute(db)
}
