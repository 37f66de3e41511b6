/** `latchkey/verifier/koa`: a route's requirements as middleware. Behind a proxy set Koa's `proxy`. */
import type { IncomingMessage } from 'node:http'
import type { Identity } from './identity.ts'
import { Refusal } from './refusal.ts'
import { headersByName, identityOfRequest, letIn, type Required } from './requires.ts'
import type { Verifier } from './verifier.ts'

/** What is needed of Koa's context. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly originalUrl: string
  readonly ip: string
  status: number
  body: unknown
  set(name: string, value: string | string[]): void
}

/** Goes on when the request may do this; else the answer is the refusal. */
export function requires(verifier: Verifier, required: Required<IncomingMessage> = {}) {
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const arrived = { request: ctx.req, target: ctx.originalUrl, address: ctx.ip }
    const outcome = await letIn(verifier, arrived, required)
    const isRefused = outcome instanceof Refusal
    if (isRefused) {
      ctx.status = outcome.status
      ctx.body = JSON.stringify(outcome.body)
    }
    const headers = headersByName(isRefused ? outcome.headers : outcome)
    for (const [name, value] of Object.entries(headers)) ctx.set(name, value)
    if (!isRefused) await next()
  }
}

/** Who is calling, on a route after `requires`. */
export const identityOf = (ctx: Pick<KoaContext, 'req'>): Identity => identityOfRequest(ctx.req)
