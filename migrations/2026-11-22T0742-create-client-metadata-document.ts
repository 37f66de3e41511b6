import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE client_metadata_document (
      client_id text PRIMARY KEY REFERENCES client ON DELETE CASCADE,
      fetched_at timestamptz NOT NULL,
      fresh_until timestamptz NOT NULL,
      usable_until timestamptz NOT NULL,
      tried_at timestamptz NOT NULL
    )
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE client_metadata_document
  `.execute(db)
}
