import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE signing_key
      ADD COLUMN activated_at timestamptz,
      ADD COLUMN rotate_requested_at timestamptz,
      ADD COLUMN retired_at timestamptz,
      ADD COLUMN expires_at timestamptz
  `.execute(db)
  await sql`
    UPDATE signing_key SET activated_at = created_at WHERE state = 'current'
  `.execute(db)
  await sql`
    CREATE UNIQUE INDEX signing_key_next ON signing_key (alg) WHERE state = 'next'
  `.execute(db)
  // A key stays until the last token that it signed has ended, which the lifetime of today may not tell.
  await sql`
    ALTER TABLE resource ADD COLUMN longest_access_token_lifetime integer NOT NULL DEFAULT 0
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE resource DROP COLUMN longest_access_token_lifetime
  `.execute(db)
  await sql`
    DROP INDEX signing_key_next
  `.execute(db)
  await sql`
    ALTER TABLE signing_key
      DROP COLUMN activated_at, DROP COLUMN rotate_requested_at, DROP COLUMN retired_at, DROP COLUMN expires_at
  `.execute(db)
}
