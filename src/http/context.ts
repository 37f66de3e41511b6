/** What every middleware and room finds on a request. `respond.ts` and `client-address.ts` fill it before anything else runs. */
import type { ParameterizedContext } from 'koa'
import type { Logger } from '../log.ts'
import type { ClientCertificate } from './client-certificate.ts'

export interface State {
  /** Ours, never the caller's; in the header `X-Request-Id`, in every error and on every log line. */
  requestId: string
  /** The address of the caller as far as trusted proxies can tell, without a port. Empty when the connection is gone. */
  clientAddress: string
  /** The origin at which the client reached us, where that is not the issuer's (MTLS_ORIGIN). */
  askedAt?: string
  /** The certificate that the client showed, on our own connection or to a trusted proxy. Nobody has judged it yet. */
  clientCertificate?: ClientCertificate
  /** A log that writes the request's id with every line. */
  log: Logger
  /** `performance.now()` when the request arrived, in milliseconds. */
  startedAt: number
}

export type Context = ParameterizedContext<State>
export type Middleware = (ctx: Context, next: () => Promise<unknown>) => Promise<unknown> | unknown

/** Where a request came from, for the audit. */
export interface Source {
  address?: string
  userAgent?: string
  requestId?: string
}

const USER_AGENT_LENGTH = 512

export function sourceOf(ctx: Pick<Context, 'state' | 'get'>): Source {
  const userAgent = ctx.get('user-agent').slice(0, USER_AGENT_LENGTH)
  return {
    ...(ctx.state.clientAddress !== '' && { address: ctx.state.clientAddress }),
    ...(userAgent !== '' && { userAgent }),
    requestId: ctx.state.requestId,
  }
}
