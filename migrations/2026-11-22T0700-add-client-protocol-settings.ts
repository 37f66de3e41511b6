import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE client
      ADD COLUMN token_endpoint_auth_signing_alg text,
      ADD COLUMN jwks jsonb,
      ADD COLUMN jwks_uri text,
      ADD COLUMN require_pushed_authorization_requests boolean NOT NULL DEFAULT false,
      ADD COLUMN dpop_bound_access_tokens boolean NOT NULL DEFAULT false,
      ADD COLUMN backchannel_logout_uri text,
      ADD COLUMN backchannel_logout_session_required boolean NOT NULL DEFAULT false,
      ADD COLUMN registration text NOT NULL DEFAULT 'operator'
        CHECK (registration IN ('operator', 'dynamic', 'metadata_document'))
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE client
      DROP COLUMN token_endpoint_auth_signing_alg,
      DROP COLUMN jwks,
      DROP COLUMN jwks_uri,
      DROP COLUMN require_pushed_authorization_requests,
      DROP COLUMN dpop_bound_access_tokens,
      DROP COLUMN backchannel_logout_uri,
      DROP COLUMN backchannel_logout_session_required,
      DROP COLUMN registration
  `.execute(db)
}
