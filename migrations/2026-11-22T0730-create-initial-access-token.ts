import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE initial_access_token (
      name text PRIMARY KEY,
      token_hash bytea NOT NULL,
      pepper_id text NOT NULL,
      expires_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE INDEX initial_access_token_hash ON initial_access_token (token_hash)
  `.execute(db)
  await sql`
    CREATE TABLE initial_access_token_scope (
      token_name text NOT NULL REFERENCES initial_access_token ON DELETE CASCADE,
      resource text NOT NULL,
      scope text NOT NULL,
      PRIMARY KEY (token_name, resource, scope),
      FOREIGN KEY (resource, scope) REFERENCES resource_scope (resource, name) ON UPDATE CASCADE ON DELETE CASCADE
    )
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE initial_access_token_scope
  `.execute(db)
  await sql`
    DROP TABLE initial_access_token
  `.execute(db)
}
