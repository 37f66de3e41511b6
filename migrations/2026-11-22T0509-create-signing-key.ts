import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE signing_key (
      kid text PRIMARY KEY,
      alg text NOT NULL,
      state text NOT NULL CHECK (state IN ('next', 'current', 'previous')),
      public_jwk jsonb NOT NULL,
      sealed_private_jwk text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE UNIQUE INDEX signing_key_current ON signing_key (alg) WHERE state = 'current'
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE signing_key
  `.execute(db)
}
