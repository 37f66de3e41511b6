import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE TABLE role (
      name text PRIMARY KEY,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
  `.execute(db)
  await sql`
    CREATE TABLE role_scope (
      role text NOT NULL REFERENCES role ON DELETE CASCADE,
      resource text NOT NULL,
      scope text NOT NULL,
      PRIMARY KEY (role, resource, scope),
      FOREIGN KEY (resource, scope) REFERENCES resource_scope (resource, name) ON DELETE CASCADE
    )
  `.execute(db)
  await sql`
    CREATE TABLE account_role (
      account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
      role text NOT NULL REFERENCES role ON DELETE CASCADE,
      PRIMARY KEY (account_id, role)
    )
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP TABLE account_role
  `.execute(db)
  await sql`
    DROP TABLE role_scope
  `.execute(db)
  await sql`
    DROP TABLE role
  `.execute(db)
}
