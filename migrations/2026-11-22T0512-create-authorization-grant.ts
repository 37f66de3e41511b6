import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE authorization_grant (
      id text PRIMARY KEY,
      account_id uuid NOT NULL,
      client_id text NOT NULL,
      session_uid text,
      offline boolean NOT NULL DEFAULT false,
      payload jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      ended_at timestamptz
    )
  `.execute(db)
  await sql`
    CREATE INDEX authorization_grant_account_client ON authorization_grant (account_id, client_id)
  `.execute(db)
  await sql`
    CREATE INDEX authorization_grant_client ON authorization_grant (client_id)
  `.execute(db)
  await sql`
    CREATE INDEX authorization_grant_session ON authorization_grant (session_uid)
  `.execute(db)
  await sql`
    CREATE INDEX authorization_grant_expires_at ON authorization_grant (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE authorization_grant
  `.execute(db)
}
