/**
 * Lists a page at a time (docs/api.md): `?limit=` 1–100 (50) `&cursor=`, answered with `data` and `next_cursor`. A cursor
 * names the last item that was seen, not a position: what is added or removed meanwhile shifts nothing.
 */
import { z } from 'zod'
import { validationFailed } from './problem.ts'

export const pageKeys = {
  limit: z.coerce.number().int().min(1).max(100).default(50).describe('How many items, at most 100'),
  cursor: z.string().max(1000).optional().describe('`next_cursor` of the page before'),
}

export const pageQuery = z.strictObject(pageKeys)

export interface PageRequest {
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface ListPage<Item> {
  readonly data: readonly Item[]
  readonly nextCursor: string | null
}

/** The schema of a list's answer. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({
    data: z.array(item),
    next_cursor: z.string().nullable().describe('null: there is nothing more'),
  })

/** Texts that place an item in the list's order. */
export function writeCursor(keys: readonly string[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url')
}

/**
 * @param patterns one for each text of the cursor
 * @throws Problem 400 `validation_failed` for anything that `writeCursor` did not make
 */
export function readCursor(cursor: string, patterns: readonly RegExp[]): string[] {
  const keys = parse(Buffer.from(cursor, 'base64url').toString())
  const fits =
    Array.isArray(keys) &&
    keys.length === patterns.length &&
    keys.every((key, index) => typeof key === 'string' && patterns[index]?.test(key))
  if (!fits)
    throw validationFailed([{ path: 'cursor', message: 'is not a cursor of this list: begin without one' }])
  return keys
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * A page from one row more than it holds.
 * @param rows at most `limit` + 1, in order
 */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keysOf: (row: Row) => readonly string[],
): ListPage<Row> {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data, nextCursor: rows.length > limit && last !== undefined ? writeCursor(keysOf(last)) : null }
}
