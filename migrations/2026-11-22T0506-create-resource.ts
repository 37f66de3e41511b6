import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE resource (
      identifier text PRIMARY KEY,
      name text NOT NULL,
      organization_id text REFERENCES organization,
      token_format text NOT NULL DEFAULT 'jwt' CHECK (token_format IN ('jwt', 'opaque')),
      token_signing_alg text NOT NULL DEFAULT 'ES256',
      access_token_lifetime integer NOT NULL DEFAULT 900 CHECK (access_token_lifetime > 0),
      env text,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE TABLE resource_scope (
      resource text NOT NULL REFERENCES resource ON DELETE CASCADE,
      name text NOT NULL,
      description text NOT NULL,
      restricted boolean NOT NULL DEFAULT false,
      PRIMARY KEY (resource, name)
    )
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE resource_scope
  `.execute(db)
  await sql`
    DROP TABLE resource
  `.execute(db)
}
