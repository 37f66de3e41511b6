import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE resource ADD COLUMN built_in boolean NOT NULL DEFAULT false
  `.execute(db)
  await sql`
    CREATE UNIQUE INDEX resource_built_in ON resource (built_in) WHERE built_in
  `.execute(db)
  // Its identifier follows ISSUER, and what refers to it follows the identifier.
  await sql`
    ALTER TABLE resource_scope
      DROP CONSTRAINT resource_scope_resource_fkey,
      ADD CONSTRAINT resource_scope_resource_fkey
        FOREIGN KEY (resource) REFERENCES resource ON UPDATE CASCADE ON DELETE CASCADE
  `.execute(db)
  await sql`
    ALTER TABLE client_scope
      DROP CONSTRAINT client_scope_resource_scope_fkey,
      ADD CONSTRAINT client_scope_resource_scope_fkey
        FOREIGN KEY (resource, scope) REFERENCES resource_scope (resource, name) ON UPDATE CASCADE ON DELETE CASCADE
  `.execute(db)
  await sql`
    ALTER TABLE role_scope
      DROP CONSTRAINT role_scope_resource_scope_fkey,
      ADD CONSTRAINT role_scope_resource_scope_fkey
        FOREIGN KEY (resource, scope) REFERENCES resource_scope (resource, name) ON UPDATE CASCADE ON DELETE CASCADE
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    ALTER TABLE role_scope
      DROP CONSTRAINT role_scope_resource_scope_fkey,
      ADD CONSTRAINT role_scope_resource_scope_fkey
        FOREIGN KEY (resource, scope) REFERENCES resource_scope (resource, name) ON DELETE CASCADE
  `.execute(db)
  await sql`
    ALTER TABLE client_scope
      DROP CONSTRAINT client_scope_resource_scope_fkey,
      ADD CONSTRAINT client_scope_resource_scope_fkey
        FOREIGN KEY (resource, scope) REFERENCES resource_scope (resource, name) ON DELETE CASCADE
  `.execute(db)
  await sql`
    ALTER TABLE resource_scope
      DROP CONSTRAINT resource_scope_resource_fkey,
      ADD CONSTRAINT resource_scope_resource_fkey FOREIGN KEY (resource) REFERENCES resource ON DELETE CASCADE
  `.execute(db)
  await sql`
    ALTER TABLE resource DROP COLUMN built_in
  `.execute(db)
}
