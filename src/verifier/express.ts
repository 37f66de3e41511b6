/**
 * `latchkey/verifier/express`: a route's requirements as middleware, also for anything else that takes `(request, response,
 * next)`. Behind a proxy set Express's `trust proxy`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Identity } from './identity.ts'
import { Refusal } from './refusal.ts'
import { headersByName, identityOfRequest, letIn, type Required } from './requires.ts'
import type { Verifier } from './verifier.ts'

/** Node's request, with what Express adds to it. */
export type ExpressRequest = IncomingMessage & {
  readonly originalUrl?: string
  readonly ip?: string | undefined
}

/** Goes on when the request may do this; else the answer is the refusal. */
export function requires(verifier: Verifier, required: Required<IncomingMessage> = {}) {
  return async (
    request: ExpressRequest,
    response: ServerResponse,
    next: (error?: unknown) => void,
  ): Promise<void> => {
    const { originalUrl: target, ip: address = request.socket.remoteAddress } = request
    const outcome = await letIn(verifier, { request, target, address }, required).catch((error: unknown) => {
      next(error)
    })
    if (!outcome) return
    const isRefused = outcome instanceof Refusal
    const headers = headersByName(isRefused ? outcome.headers : outcome)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (!isRefused) return next()
    response.statusCode = outcome.status
    response.end(JSON.stringify(outcome.body))
  }
}

/** Who is calling, on a route after `requires`. */
export const identityOf = (request: IncomingMessage): Identity => identityOfRequest(request)
