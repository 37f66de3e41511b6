/** What a scope of a resource may be called, and the resource. */
import type { Db, Tx } from '../db/connect.ts'
import { plainSpelling } from './resource-address.ts'

/** RFC 6749 §3.3, scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/
const MAX_LENGTH = 128

/** They mean something in OpenID Connect, whichever of them this version offers; a resource cannot have them. */
export const RESERVED_SCOPES: readonly string[] = [
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'offline_access',
  'device_sso',
]

/** What is wrong with the name, or undefined. */
export function scopeNameMistake(name: string): string | undefined {
  if (name.length > MAX_LENGTH) return `is too long: a scope has at most ${MAX_LENGTH} characters`
  if (!SCOPE_TOKEN.test(name)) return 'is not a scope: use visible ASCII characters except " and \\'
  if (RESERVED_SCOPES.includes(name)) return 'is a scope of OpenID Connect: a resource cannot have it'
  return undefined
}

/**
 * What is wrong with a resource identifier (RFC 8707 §2: an absolute URI without fragment), or undefined. It is the
 * audience of tokens and is compared exactly.
 */
export function resourceIdentifierMistake(identifier: string): string | undefined {
  if (identifier.length > 1000) return 'is too long: a resource identifier has at most 1000 characters'
  if (!/^[\x21-\x7e]+$/.test(identifier) || /["<>\\^`{|}]/.test(identifier) || !URL.canParse(identifier))
    return 'must be an absolute URI, such as https://api.example.com'
  if (identifier.includes('#')) return 'must not have a fragment (#)'
  const plain = plainSpelling(identifier)
  return plain === undefined ? undefined : `must be written as URL parsers write it: ${plain}`
}

/** Names of the scopes that any client which registered itself may ask people for, of whichever resource. */
export async function findOpenScopes(db: Db | Tx): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('resource_scope')
    .select('name')
    .distinct()
    .where('self_registered', '=', true)
    .execute()
  return new Set(rows.map(({ name }) => name))
}
