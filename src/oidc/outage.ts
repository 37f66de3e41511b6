import { errors } from 'oidc-provider'
import { isUnavailable } from '../db/unavailable.ts'

/**
 * What a request of the library's own is told: a database that is away becomes `temporarily_unavailable`, the caller may
 * try again (RFC 6749, section 4.1.2.1). Anything else stays what it is.
 */
export function asAnswer(error: unknown): unknown {
  if (!isUnavailable(error)) return error
  const answer = new errors.TemporarilyUnavailable('the server cannot do this right now, try again', {
    cause: error as Error,
  })
  return Object.assign(answer, { status: 503, statusCode: 503 })
}
