import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE outbox (
      id uuid PRIMARY KEY,
      topic text NOT NULL,
      payload jsonb NOT NULL,
      attempts integer NOT NULL DEFAULT 0,
      run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      leased_until timestamptz,
      last_error text,
      outcome text CHECK (outcome IN ('done', 'failed')),
      finished_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE INDEX outbox_due ON outbox (run_at) WHERE finished_at IS NULL
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE outbox
  `.execute(db)
}
