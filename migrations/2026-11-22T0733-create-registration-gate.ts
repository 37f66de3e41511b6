import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  // One row: whoever registers a client without a token changes it, so that they follow each other and count right.
  await sql`
    CREATE TABLE registration_gate (
      id boolean PRIMARY KEY DEFAULT true CHECK (id),
      passed_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    INSERT INTO registration_gate DEFAULT VALUES
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE registration_gate
  `.execute(db)
}
