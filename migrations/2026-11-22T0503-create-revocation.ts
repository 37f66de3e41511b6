import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE revocation (
      kind text NOT NULL,
      id text NOT NULL,
      reason text NOT NULL,
      revoked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz,
      PRIMARY KEY (kind, id)
    )
  `.execute(db)
  await sql`
    CREATE INDEX revocation_expires_at ON revocation (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE revocation
  `.execute(db)
}
