import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE pushed_authorization_request (
      id_hash bytea PRIMARY KEY,
      sealed_payload text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      consumed_at timestamptz
    )
  `.execute(db)
  await sql`
    CREATE INDEX pushed_authorization_request_expires_at ON pushed_authorization_request (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE pushed_authorization_request
  `.execute(db)
}
