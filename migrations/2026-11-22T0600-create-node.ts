import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  // Rows are rewritten every second: room in the page keeps them where they are.
  await sql`
    CREATE TABLE node (
      id text PRIMARY KEY,
      seen_at timestamptz NOT NULL,
      polled_at timestamptz NOT NULL
    ) WITH (fillfactor = 50)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE node
  `.execute(db)
}
