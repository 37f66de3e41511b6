/** Mistakes in the declarative file: where, and what to do, in plain words. Never a value of the file that may be secret. */
import { unknownKeyAmong } from '../http/field-errors.ts'
import type { FieldError } from '../http/problem.ts'

/** Its path is for instance `clients[1].redirect_uris[0]`; '' is the file itself. */
export type Mistake = FieldError

/** Names that people bring along from other servers, and why they are not taken. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  response_types: 'is not needed: it follows from grant_types',
  scope: 'is not a key of a client: use resource_scopes and default_scope',
}

/** What to say about a key that the file does not have. */
export function unknownKeyIn(knownKeys: readonly string[]): (key: string) => string {
  const suggestion = unknownKeyAmong(knownKeys)
  return key => (Object.hasOwn(NOT_TAKEN, key) ? NOT_TAKEN[key] : undefined) ?? suggestion(key)
}
