/** Mistakes in the declarative file: where, and what to do, in plain words. Never a value of the file that may be secret. */
import type { z } from 'zod'
import { placedTextsOf } from './file-view.ts'

export interface Mistake {
  /** For instance `clients[1].redirect_uris[0]`; '' is the file itself. */
  readonly path: string
  /** Completes the sentence that the path begins. */
  readonly message: string
}

export type Path = readonly (string | number)[]

/** `resources[0].scopes["read:orders"].description` */
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
export function repeatedTexts(value: unknown, at: Path): Mistake[] {
  const seen = new Set<string>()
  return placedTextsOf(value).flatMap(({ index, text }) => {
    if (seen.has(text)) return [{ path: formatPath([...at, index]), message: 'is there twice: keep one' }]
    seen.add(text)
    return []
  })
}

/** What zod found, one mistake per unknown key. */
export function mistakesOf(error: z.ZodError, knownKeys: readonly string[]): Mistake[] {
  return error.issues.flatMap(issue => {
    const path = issue.path.map(part => (typeof part === 'symbol' ? String(part) : part))
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => ({
        path: formatPath([...path, key]),
        message: unknownKey(key, knownKeys),
      }))
    const message = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message
    return [{ path: formatPath(path), message: message ?? 'is not acceptable' }]
  })
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'must be text',
  boolean: 'must be true or false',
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
  return undefined
}

/** Names that people bring along from other servers, and why they are not taken. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  response_types: 'is not needed: it follows from grant_types',
  scope: 'is not a key of a client: use resource_scopes and default_scope',
  jwks: 'is not supported in this version',
  jwks_uri: 'is not supported in this version',
  dpop_bound_access_tokens: 'is not supported in this version',
  require_pushed_authorization_requests: 'is not supported in this version',
  backchannel_logout_uri: 'is not supported in this version',
  backchannel_logout_session_required: 'is not supported in this version',
  tls_client_certificate_bound_access_tokens: 'is not supported in this version',
}

function unknownKey(key: string, knownKeys: readonly string[]): string {
  const reason = NOT_TAKEN[key]
  if (Object.hasOwn(NOT_TAKEN, key) && reason) return reason
  const near = suggest(key, knownKeys)
  return near ? `is not a known key: did you mean ${near}?` : 'is not a known key: remove it'
}

/** The one of `known` that is two edits away at most. */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  if (word.length < 3 || word.length > 64) return undefined
  let best: string | undefined
  let least = 3
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** Levenshtein. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, fromA] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, fromB] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (fromA === fromB ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
