import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE account (
      id uuid PRIMARY KEY,
      username text NOT NULL UNIQUE,
      name text NOT NULL,
      email text,
      email_verified boolean NOT NULL DEFAULT false,
      password_hash text,
      admin boolean NOT NULL DEFAULT false,
      disabled_at timestamptz,
      password_changed_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE account
  `.execute(db)
}
