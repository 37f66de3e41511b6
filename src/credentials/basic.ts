/** `Authorization: Basic …` (RFC 7617): a name, a colon and a secret, in UTF-8 and base64. */
import type { RequestView } from '../http/request-view.ts'
import { findAuthorization } from './authorization.ts'

/** As they were sent: a client's are form-encoded (`formDecoded`), others' are not. */
export interface BasicPair {
  readonly name: string
  readonly secret: string
}

/** @returns undefined when the request has another scheme, or none. @throws Problem 400 when the header was sent twice */
export function findBasic(request: RequestView): BasicPair | 'malformed' | undefined {
  const sent = findAuthorization(request)
  return sent?.scheme === 'basic' ? readBasic(sent.credentials) : undefined
}

/** What follows the scheme. Padding may be left out. */
export function readBasic(credentials: string): BasicPair | 'malformed' {
  const [, digits = '', padding = ''] = /^([\w+/]+)(={0,2})$/.exec(credentials) ?? []
  const isBase64 = digits !== '' && !digits.includes('_') && digits.length % 4 !== 1
  const isPadded = padding === '' || (digits.length + padding.length) % 4 === 0
  if (!isBase64 || !isPadded) return 'malformed'
  const bytes = Buffer.from(digits, 'base64')
  const text = bytes.toString()
  const colon = text.indexOf(':')
  // What is no UTF-8 comes back as other bytes.
  if (colon < 0 || !Buffer.from(text).equals(bytes)) return 'malformed'
  return { name: text.slice(0, colon), secret: text.slice(colon + 1) }
}

/** RFC 6749, section 2.3.1 and appendix A: visible ASCII and space, form-encoded. Undefined: it cannot be that. */
export function formDecoded(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return /^[\x20-\x7e]*$/.test(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}

/** The secret as it stands there and as a client means it, for who looks for the owner of one. */
export function basicSecrets(credentials: string): string[] {
  const read = readBasic(credentials)
  if (read === 'malformed') return []
  const decoded = formDecoded(read.secret)
  return decoded === undefined || decoded === read.secret ? [read.secret] : [read.secret, decoded]
}
