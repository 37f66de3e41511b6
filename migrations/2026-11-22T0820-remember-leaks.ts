import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`ALTER TABLE minted_token ADD COLUMN leak jsonb`.execute(db)
  await sql`ALTER TABLE client_secret ADD COLUMN leaked_at timestamptz`.execute(db)
  // A secret that somebody has found comes without the name of its client.
  await sql`CREATE INDEX client_secret_hash ON client_secret (hash)`.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`DROP INDEX client_secret_hash`.execute(db)
  await sql`ALTER TABLE client_secret DROP COLUMN leaked_at`.execute(db)
  await sql`ALTER TABLE minted_token DROP COLUMN leak`.execute(db)
}
