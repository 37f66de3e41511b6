import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE audit_event (
      id uuid PRIMARY KEY,
      type text NOT NULL,
      outcome text NOT NULL CHECK (outcome IN ('success', 'refused')),
      actor_type text NOT NULL CHECK (actor_type IN ('account', 'client', 'system', 'anonymous')),
      actor_id text,
      credential_kind text,
      credential_id text,
      subject_type text,
      subject_id text,
      client_id text,
      organization_id text,
      address inet,
      user_agent text,
      request_id text,
      detail jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE INDEX audit_event_created_at ON audit_event (created_at)
  `.execute(db)
  await sql`
    CREATE INDEX audit_event_subject ON audit_event (subject_type, subject_id, created_at)
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE audit_event
  `.execute(db)
}
