import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE organization (
      id text PRIMARY KEY,
      name text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE TABLE organization_member (
      organization_id text NOT NULL REFERENCES organization ON DELETE CASCADE,
      account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
      role text NOT NULL CHECK (role IN ('owner', 'developer', 'viewer')),
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (organization_id, account_id)
    )
  `.execute(db)
  await sql`
    CREATE INDEX organization_member_account ON organization_member (account_id)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE organization_member
  `.execute(db)
  await sql`
    DROP TABLE organization
  `.execute(db)
}
