import { type Kysely, sql } from 'kysely'

const TABLES = ['session', 'authorization_code', 'device_code', 'access_token'] as const

/** Under which pepper the id of a row is hashed, so that all rows of one pepper can be found and ended. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  for (const table of TABLES)
    await sql`
      ALTER TABLE ${sql.table(table)} ADD COLUMN pepper_id text
    `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  for (const table of TABLES)
    await sql`
      ALTER TABLE ${sql.table(table)} DROP COLUMN pepper_id
    `.execute(db)
}
