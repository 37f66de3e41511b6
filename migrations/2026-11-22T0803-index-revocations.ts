import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    CREATE INDEX revocation_kind_revoked_at ON revocation (kind, revoked_at)
  `.execute(db)
  // The second part of a token's id is its status list.
  await sql`
    CREATE INDEX revocation_token_list ON revocation (split_part(id, '-', 2)) WHERE kind = 'token'
  `.execute(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`SET LOCAL lock_timeout = '5s'`.execute(db)
  await sql`
    DROP INDEX revocation_kind_revoked_at, revocation_token_list
  `.execute(db)
}
