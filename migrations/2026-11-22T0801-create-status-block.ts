import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE status_block (
      list_id integer NOT NULL,
      first integer NOT NULL,
      size integer NOT NULL,
      client_id text,
      usable_until timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (list_id, first)
    )
  `.execute(db)
  await sql`
    CREATE INDEX status_block_expires_at ON status_block (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE status_block
  `.execute(db)
}
