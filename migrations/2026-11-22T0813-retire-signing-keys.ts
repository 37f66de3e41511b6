import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE signing_key DROP CONSTRAINT signing_key_state_check,
      ADD CONSTRAINT signing_key_state_check CHECK (state IN ('next', 'current', 'previous', 'retired'))
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DELETE FROM signing_key WHERE state = 'retired'
  `.execute(db)
  await sql`
    ALTER TABLE signing_key DROP CONSTRAINT signing_key_state_check,
      ADD CONSTRAINT signing_key_state_check CHECK (state IN ('next', 'current', 'previous'))
  `.execute(db)
}
