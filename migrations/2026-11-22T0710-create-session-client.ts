import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE session_client (
      session_uid text NOT NULL REFERENCES session (uid) ON DELETE CASCADE,
      client_id text NOT NULL,
      PRIMARY KEY (session_uid, client_id)
    )
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE session_client
  `.execute(db)
}
