import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE sign_in_throttle (
      key bytea PRIMARY KEY,
      tries timestamptz[] NOT NULL,
      expires_at timestamptz NOT NULL
    )
  `.execute(db)
  await sql`
    CREATE INDEX sign_in_throttle_expires_at ON sign_in_throttle (expires_at)
  `.execute(db)
  await sql`
    CREATE TABLE known_device (
      id_hash bytea NOT NULL,
      account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (id_hash, account_id)
    )
  `.execute(db)
  await sql`
    CREATE INDEX known_device_expires_at ON known_device (expires_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE known_device
  `.execute(db)
  await sql`
    DROP TABLE sign_in_throttle
  `.execute(db)
}
