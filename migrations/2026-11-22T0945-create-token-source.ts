import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE token_source (
      status bigint NOT NULL,
      kind text NOT NULL,
      id text NOT NULL,
      issued_at timestamptz,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (status, kind, id)
    )
  `.execute(db)
  await sql`
    CREATE INDEX token_source_expires_at ON token_source (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE token_source
  `.execute(db)
}
