import { type Kysely, sql } from 'kysely'

/** `https://api.example.com` and `https://api.example.com/` are one address: there is one resource of it at most. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE UNIQUE INDEX resource_address ON resource (regexp_replace(identifier, '^(https?://[^/?#]+)/$', '\\1'))
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP INDEX resource_address
  `.execute(db)
}
