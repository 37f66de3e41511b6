import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE client_use (
      client_id text PRIMARY KEY REFERENCES client ON DELETE CASCADE,
      used_at timestamptz NOT NULL
    )
  `.execute(db)
  await sql`
    ALTER TABLE client_registration ADD COLUMN used boolean NOT NULL DEFAULT false
  `.execute(db)
  // Those that count against the quotas of open registration: few, however many clients there are.
  await sql`
    CREATE INDEX client_registration_never_used ON client_registration (source_hash, created_at)
    WHERE source_hash IS NOT NULL AND NOT used
  `.execute(db)
  await sql`
    CREATE INDEX client_self_registered ON client (created_at) WHERE registration <> 'operator'
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP INDEX client_self_registered
  `.execute(db)
  await sql`
    DROP INDEX client_registration_never_used
  `.execute(db)
  await sql`
    ALTER TABLE client_registration DROP COLUMN used
  `.execute(db)
  await sql`
    DROP TABLE client_use
  `.execute(db)
}
