import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE refresh_token ADD COLUMN status_indexes bigint[]
  `.execute(db)
  for (const table of ['authorization_code', 'device_code']) {
    await sql`
      ALTER TABLE ${sql.table(table)} ADD COLUMN status_indexes bigint[], ADD COLUMN status_until timestamptz
    `.execute(db)
    await sql`
      CREATE INDEX ${sql.id(`${table}_grant`)} ON ${sql.table(table)} (grant_id)
    `.execute(db)
  }
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  for (const table of ['authorization_code', 'device_code']) {
    await sql`
      DROP INDEX ${sql.id(`${table}_grant`)}
    `.execute(db)
    await sql`
      ALTER TABLE ${sql.table(table)} DROP COLUMN status_indexes, DROP COLUMN status_until
    `.execute(db)
  }
  await sql`
    ALTER TABLE refresh_token DROP COLUMN status_indexes
  `.execute(db)
}
