/**
 * How the library reads the keys of clients at their `jwks_uri`. It keeps what it has read; what it could not read it asks
 * for again with every assertion, which anybody can send in a client's name. Here an address that gave no keys is left
 * alone for a while: this server must not be made to ask somebody's server over and over.
 */
import { type Outbound, OutboundError } from '../http/outbound.ts'
import { recordOf } from '../http/unknown-value.ts'
import { createRecentlyKnown } from './recently-known.ts'

/** Milliseconds. Each node counts for itself. */
const REFUSE_FOR = 30_000

export function createKeyFetch(outbound: Outbound): Outbound {
  const failed = createRecentlyKnown<true>()
  return async (input, init) => {
    const url = String(input)
    if (failed.find(url)) throw new OutboundError()
    const answer = await outbound(url, init).catch((error: unknown) => {
      failed.keep(url, true, REFUSE_FOR)
      throw error
    })
    if (answer.status !== 200 || !isKeySet(await answer.clone().text())) failed.keep(url, true, REFUSE_FOR)
    return answer
  }
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray(recordOf(JSON.parse(text))?.keys)
  } catch {
    // Not JSON: the library says so.
    return false
  }
}
