/**
 * What is wrong with a structured input, and where: for bodies and queries of the JSON API and for the declarative file.
 * A message completes the sentence that its path begins, and never repeats a value that may be secret.
 */
import type { z } from 'zod'
import type { FieldError } from './problem.ts'
import { suggest } from './suggest.ts'
import { placedTextsOf } from './unknown-value.ts'

export type Path = readonly (string | number)[]

/** `resources[0].scopes["read:orders"].description`; '' is the whole input. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      if (!/^\w+$/.test(part)) return `[${JSON.stringify(part)}]`
      return index === 0 ? part : `.${part}`
    })
    .join('')
}

/** One text of a list twice. */
export function repeatedTexts(value: unknown, at: Path): FieldError[] {
  const seen = new Set<string>()
  return placedTextsOf(value).flatMap(({ index, text }) => {
    if (seen.has(text)) return [{ path: formatPath([...at, index]), message: 'is there twice: keep one' }]
    seen.add(text)
    return []
  })
}

/**
 * What zod found, one error per unknown key.
 * @param unknownKey what to say about one
 */
export function fieldErrorsOf(error: z.ZodError, unknownKey: (key: string) => string): FieldError[] {
  return error.issues.flatMap(issue => {
    const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part))
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => ({
        path: formatPath([...path, shortened(key)]),
        message: unknownKey(key),
      }))
    const message = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message
    return [{ path: formatPath(path), message: message ?? 'is not acceptable' }]
  })
}

/** For `fieldErrorsOf`: names the key that was probably meant. */
export function unknownKeyAmong(knownKeys: Iterable<string>): (key: string) => string {
  return key => {
    const near = suggest(key, knownKeys)
    return near ? `is not a known key: did you mean ${near}?` : 'is not a known key: remove it'
  }
}

/** A caller's own key comes back in the answer: enough of it to find it. */
const shortened = (key: string) => (key.length > 64 ? `${key.slice(0, 64)}…` : key)

const TYPES: Readonly<Record<string, string>> = {
  string: 'must be text',
  boolean: 'must be true or false',
  int: 'must be a whole number',
  number: 'must be a number',
  array: 'must be a list',
  object: 'must be a mapping of keys to values',
  record: 'must be a mapping of keys to values',
}

/** The words for what zod finds by itself; for `safeParse(value, { error })`. */
export const wording: z.core.$ZodErrorMap = issue => {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return 'is missing'
    const what = TYPES[issue.expected] ?? `must be ${issue.expected}`
    const inQuotes = issue.expected === 'string' && ['number', 'boolean'].includes(typeof issue.input)
    return inQuotes ? `${what}: put it in quotes` : what
  }
  if (issue.code === 'invalid_value') {
    if (issue.input === undefined) return 'is missing'
    return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`
  }
  if (issue.code === 'too_small') return `must be ${atLeast(issue.origin, issue.minimum)}`
  if (issue.code === 'too_big') return `must be ${atMost(issue.origin, issue.maximum)}`
  return undefined
}

const UNITS: Readonly<Record<string, string>> = { string: 'characters', array: 'items' }

const atLeast = (origin: string, least: number | bigint) =>
  UNITS[origin] ? `at least ${least} ${UNITS[origin]} long` : `${least} or more`

const atMost = (origin: string, most: number | bigint) =>
  UNITS[origin] ? `at most ${most} ${UNITS[origin]} long` : `${most} or less`
