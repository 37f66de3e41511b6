import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE resource ADD COLUMN layers text[] NOT NULL DEFAULT '{}', ADD COLUMN allowed_addresses text[]
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE resource DROP COLUMN layers, DROP COLUMN allowed_addresses
  `.execute(db)
}
