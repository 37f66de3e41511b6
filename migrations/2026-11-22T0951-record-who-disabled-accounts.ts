import { type Kysely, sql } from 'kysely'

/** Who shut those that are shut already is not known: they are an administrator's to open, as if one had. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE account ADD COLUMN disabled_by text CHECK (disabled_by IN ('administrator', 'delegate'))
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`ALTER TABLE account DROP COLUMN disabled_by`.execute(db)
}
