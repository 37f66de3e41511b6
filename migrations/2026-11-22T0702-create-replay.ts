import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE replay (
      id_hash bytea PRIMARY KEY,
      expires_at timestamptz NOT NULL
    )
  `.execute(db)
  await sql`
    CREATE INDEX replay_expires_at ON replay (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE replay
  `.execute(db)
}
