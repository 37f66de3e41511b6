import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE client (
      client_id text PRIMARY KEY,
      client_name text NOT NULL,
      organization_id text REFERENCES organization,
      application_type text NOT NULL DEFAULT 'web' CHECK (application_type IN ('web', 'native')),
      redirect_uris text[] NOT NULL DEFAULT '{}',
      post_logout_redirect_uris text[] NOT NULL DEFAULT '{}',
      grant_types text[] NOT NULL,
      token_endpoint_auth_method text NOT NULL,
      default_scope text,
      require_pkce boolean NOT NULL DEFAULT true,
      require_consent boolean NOT NULL DEFAULT true,
      id_token_signed_response_alg text NOT NULL DEFAULT 'ES256',
      introspect text[] NOT NULL DEFAULT '{}',
      metadata jsonb NOT NULL DEFAULT '{}',
      disabled_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE TABLE client_scope (
      client_id text NOT NULL REFERENCES client ON DELETE CASCADE,
      resource text NOT NULL,
      scope text NOT NULL,
      PRIMARY KEY (client_id, resource, scope),
      FOREIGN KEY (resource, scope) REFERENCES resource_scope (resource, name) ON DELETE CASCADE
    )
  `.execute(db)
  await sql`
    CREATE TABLE client_secret (
      id uuid PRIMARY KEY,
      client_id text NOT NULL REFERENCES client ON DELETE CASCADE,
      hash bytea NOT NULL,
      pepper_id text NOT NULL,
      last4 text NOT NULL,
      origin text NOT NULL CHECK (origin IN ('file', 'generated')),
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      expires_at timestamptz,
      revoked_at timestamptz
    )
  `.execute(db)
  await sql`
    CREATE INDEX client_secret_client ON client_secret (client_id)
  `.execute(db)
  // The declarative file has one secret per client.
  await sql`
    CREATE UNIQUE INDEX client_secret_file ON client_secret (client_id) WHERE origin = 'file' AND revoked_at IS NULL
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE client_secret
  `.execute(db)
  await sql`
    DROP TABLE client_scope
  `.execute(db)
  await sql`
    DROP TABLE client
  `.execute(db)
}
