import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  // Beside minted_token, which holds millions of rows of one shape: here every kind has material of its own. `handles` is
  // what one is found by when a request does not say its id. A client that is gone may do nothing: no foreign key.
  await sql`
    CREATE TABLE client_credential (
      created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
      not_before timestamptz,
      expires_at timestamptz,
      quarantined_at timestamptz,
      revoked_at timestamptz,
      rate_limit_requests integer,
      rate_limit_seconds integer,
      id text COLLATE "C" PRIMARY KEY,
      kind text NOT NULL,
      client_id text NOT NULL,
      env text NOT NULL,
      name text NOT NULL,
      description text,
      scopes jsonb NOT NULL,
      allowed_addresses text[],
      material jsonb NOT NULL,
      handles text[] COLLATE "C" NOT NULL DEFAULT '{}'
    )
  `.execute(db)
  await sql`
    CREATE INDEX client_credential_client ON client_credential (client_id, kind)
  `.execute(db)
  await sql`
    CREATE INDEX client_credential_handles ON client_credential USING gin (handles)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE client_credential
  `.execute(db)
}
