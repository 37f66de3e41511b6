/** `latchkey/verifier/fastify`: a route's requirements as an `onRequest` hook. Behind a proxy set Fastify's `trustProxy`. */
import type { IncomingMessage } from 'node:http'
import type { Identity } from './identity.ts'
import { Refusal } from './refusal.ts'
import { headersByName, identityOfRequest, letIn, type Required } from './requires.ts'
import type { Verifier } from './verifier.ts'

/** What is needed of Fastify's request. */
export interface FastifyRequest {
  readonly raw: IncomingMessage
  readonly originalUrl: string
  readonly ip: string
}

/** What is needed of Fastify's reply. */
export interface FastifyReply {
  code(status: number): unknown
  header(name: string, value: string | string[]): unknown
  send(body: string): unknown
}

/** Goes on when the request may do this; else the answer is the refusal. */
export function requires(verifier: Verifier, required: Required<IncomingMessage> = {}) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const arrived = { request: request.raw, target: request.originalUrl, address: request.ip }
    const outcome = await letIn(verifier, arrived, required)
    const isRefused = outcome instanceof Refusal
    const headers = headersByName(isRefused ? outcome.headers : outcome)
    for (const [name, value] of Object.entries(headers)) reply.header(name, value)
    if (!isRefused) return undefined
    reply.code(outcome.status)
    return reply.send(JSON.stringify(outcome.body))
  }
}

/** Who is calling, on a route after `requires`. */
export const identityOf = (request: Pick<FastifyRequest, 'raw'>): Identity => identityOfRequest(request.raw)
