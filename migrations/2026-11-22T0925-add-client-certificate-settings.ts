import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE client
      ADD COLUMN tls_client_auth jsonb,
      ADD COLUMN tls_client_certificate_bound_access_tokens boolean NOT NULL DEFAULT false
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE client
      DROP COLUMN tls_client_auth,
      DROP COLUMN tls_client_certificate_bound_access_tokens
  `.execute(db)
}
