// Everything a database holds, as text: to look for what must not be there.
import { sql } from 'kysely'
import type { Db } from '../../src/db/connect.ts'

/** Table by table; bytes are in hex. */
export async function storedText(db: Db): Promise<Map<string, string>> {
  const { rows } = await sql<{ name: string }>`
    SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'
  `.execute(db)
  const texts = new Map<string, string>()
  for (const { name } of rows) {
    const found = await sql<{ text: string | null }>`
      SELECT string_agg(t::text, E'\n') AS text FROM ${sql.table(name)} t
    `.execute(db)
    texts.set(name, found.rows[0]?.text ?? '')
  }
  return texts
}

/** The ways in which a secret may be written: as it is, its characters in hex, the bytes it encodes in hex and base64. */
export function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'base64url')
  return [secret, Buffer.from(secret).toString('hex'), bytes.toString('hex'), bytes.toString('base64')]
}
