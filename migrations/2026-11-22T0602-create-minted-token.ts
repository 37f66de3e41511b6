import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  // There are many of these: what most rows do not have is null and takes no room, and wide columns come first so that
  // nothing is lost to alignment. An owner that is gone is an owner who may do nothing, so there are no foreign keys.
  await sql`
    CREATE TABLE minted_token (
      created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
      not_before timestamptz,
      expires_at timestamptz,
      quarantined_at timestamptz,
      revoked_at timestamptz,
      rate_limit_requests integer,
      rate_limit_seconds integer,
      account_id uuid,
      id text COLLATE "C" PRIMARY KEY,
      client_id text,
      prefix text NOT NULL,
      env text NOT NULL,
      last4 text NOT NULL,
      secret_hash bytea NOT NULL,
      hashed_with text NOT NULL,
      name text NOT NULL,
      description text,
      scopes jsonb NOT NULL,
      allowed_addresses text[],
      cnf jsonb,
      pending jsonb,
      retired jsonb,
      CHECK (num_nonnulls(account_id, client_id) = 1)
    )
  `.execute(db)
  await sql`
    CREATE INDEX minted_token_account ON minted_token (account_id) WHERE account_id IS NOT NULL
  `.execute(db)
  await sql`
    CREATE INDEX minted_token_client ON minted_token (client_id) WHERE client_id IS NOT NULL
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE minted_token
  `.execute(db)
}
