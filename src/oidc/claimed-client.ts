/**
 * Which client a request of a client says it comes from, before anybody has checked that: for what must be known of it
 * before the library reads the request. The library authenticates it.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { decodeJwt } from 'jose'

/**
 * In any of the ways a client is named (RFC 6749, section 2.3.1; RFC 7521, section 4.2); undefined when it is not, or badly.
 * What is sent without a value counts as not sent, as it does for the library.
 */
export function claimedClientId(headers: IncomingHttpHeaders, body: URLSearchParams): string | undefined {
  return (
    body.get('client_id') || fromAssertion(body.get('client_assertion')) || fromBasic(headers.authorization)
  )
}

function fromAssertion(assertion: string | null): string | undefined {
  if (!assertion) return undefined
  try {
    // Nobody has verified it: it can be of any type.
    const { sub }: { sub?: unknown } = decodeJwt(assertion)
    return typeof sub === 'string' ? sub : undefined
  } catch {
    // Not a JWT: the library refuses it and says so.
    return undefined
  }
}

function fromBasic(authorization: string | undefined): string | undefined {
  const encoded = /^basic ([\w+/]+=*)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [id = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  try {
    return decodeURIComponent(id.replaceAll('+', '%20'))
  } catch {
    // Wrong percent-encoding: likewise.
    return undefined
  }
}
