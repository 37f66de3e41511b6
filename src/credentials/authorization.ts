/** The Authorization header (RFC 9110, section 11.6.2), for every kind that is presented there. */
import type { RequestView } from '../http/request-view.ts'
import { ambiguousCredentials } from './refusals.ts'

export interface Authorization {
  /** In lower case. */
  readonly scheme: string
  /** What follows the scheme, as sent; '' when nothing does. */
  readonly credentials: string
}

/**
 * @returns undefined when the header was not sent
 * @throws Problem 400 `ambiguous_credentials` when it was sent twice
 */
export function findAuthorization(request: RequestView): Authorization | undefined {
  const [value, second] = request.all('authorization')
  if (second !== undefined) throw ambiguousCredentials()
  if (value === undefined) return undefined
  const [, scheme = '', credentials = ''] = /^(\S*)\s*(.*)$/s.exec(value.trim()) ?? []
  return { scheme: scheme.toLowerCase(), credentials }
}
