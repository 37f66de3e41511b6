// The schema as the catalog tells it, as text: columns, types, defaults, constraints and indexes.
import { sql } from 'kysely'
import type { Db } from '../../src/db/connect.ts'

export async function schemaOf(db: Db): Promise<string> {
  const { rows } = await sql<{ name: string; lines: string[] }>`
    SELECT c.relname AS name, ARRAY(
      SELECT line FROM (
        SELECT 1 AS part, a.attname::text AS ordinal, format('%s %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
          CASE WHEN a.attnotnull THEN ' not null' END,
          CASE WHEN a.attidentity <> '' THEN ' generated always as identity'
            ELSE ' default ' || pg_get_expr(d.adbin, d.adrelid) END) AS line
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        -- Not-null constraints have rows of their own since Postgres 18; the columns tell them already.
        SELECT 2, conname, format('constraint %s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE conrelid = c.oid AND contype <> 'n'
        UNION ALL
        SELECT 3, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = c.relname
        UNION ALL
        SELECT 4, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal
      ) described ORDER BY part, ordinal
    ) AS lines
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
      AND c.relname NOT LIKE 'kysely\\_%'
    ORDER BY c.relname
  `.execute(db)
  return rows.map(({ name, lines }) => [name, ...lines.map(line => `  ${line}`)].join('\n')).join('\n\n')
}
