/**
 * application/x-www-form-urlencoded, strictly: what cannot be read exactly is refused, so that no two readers of one
 * request can see different things, and nothing that the database refuses (U+0000) comes further.
 */
import { invalidRequest } from './problem.ts'

export const MAX_FIELDS = 200

/** @throws Problem 400 for broken percent-encoding or UTF-8, U+0000, or more than 200 fields */
export function parseUrlencoded(text: string, what: 'body' | 'query' = 'body'): URLSearchParams {
  const parameters = new URLSearchParams()
  if (text === '') return parameters
  const parts = text.split('&')
  if (parts.length > MAX_FIELDS) throw invalidRequest(`The ${what} has more than ${MAX_FIELDS} fields.`)
  for (const part of parts) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decode(equals < 0 ? part : part.slice(0, equals), what)
    parameters.append(name, equals < 0 ? '' : decode(part.slice(equals + 1), what))
  }
  return parameters
}

function decode(text: string, what: string): string {
  let decoded: string
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw invalidRequest(`The ${what} is not valid percent-encoded UTF-8.`)
  }
  if (decoded.includes('\0')) throw invalidRequest(`The ${what} contains the character U+0000.`)
  return decoded
}
