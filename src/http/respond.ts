/**
 * Every request gets an id, one log line, and an answer: whatever is thrown below becomes a Problem and is answered
 * in the dialect of who asked. Order in app.ts: forwarding, respond, headers, requestTarget, host, then the rest.
 */
import { randomFillSync } from 'node:crypto'
import type Koa from 'koa'
import { isBadText, isUnavailable } from '../db/unavailable.ts'
import type { Logger } from '../log.ts'
import { answer } from './answer.ts'
import type { Context, Middleware } from './context.ts'
import type { Pages } from './pages.ts'
import { codeOf, invalidRequest, notFound, Problem, unavailable } from './problem.ts'

/** 80 random bits without letters that look like digits, since people read it to each other. */
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'
const ID_LENGTH = 16
/** Random bytes for many ids: asking for them one by one costs more than all the rest of an id. */
const random = Buffer.alloc(ID_LENGTH * 256)
let used = random.length

function newRequestId(): string {
  if (used === random.length) {
    randomFillSync(random)
    used = 0
  }
  let id = ''
  for (const end = used + ID_LENGTH; used < end; used++) id += LETTERS[(random[used] ?? 0) & 31]
  return id
}

export function respond({ log, pages }: { log: Logger; pages: Pages }): Middleware {
  return async (ctx, next) => {
    const requestId = newRequestId()
    ctx.state.startedAt = performance.now()
    ctx.state.requestId = requestId
    Object.defineProperty(
      ctx.state,
      'log',
      lazily(() => log.child({ request_id: requestId })),
    )
    ctx.set('X-Request-Id', requestId)

    let problem: Problem | undefined
    ctx.res.once('close', () => writeLine(log, ctx, problem))
    try {
      await next()
      problem = unanswered(ctx)
    } catch (error) {
      problem = problemOf(error)
      if (problem.status >= 500) ctx.state.log.error({ err: error }, 'the request failed')
    }
    if (problem) send(ctx, problem, pages)
  }
}

/** Anything that can be thrown, as a Problem. Of an unknown error nothing is shown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (isUnavailable(error)) return unavailable(undefined, 5, error)
  // Input should not come this far, and if it does the database's refusal is still about the input.
  if (isBadText(error))
    return invalidRequest('The request has a character that cannot be stored.', 'the database refused a text')
  return (
    fromHttpError(error) ??
    new Problem(500, 'server_error', 'Something went wrong on our side.', undefined, { cause: error })
  )
}

/** What Koa and its router throw: `{ status, expose, message, headers }`. */
function fromHttpError(error: unknown): Problem | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { status, expose, message } = error as { status?: unknown; expose?: unknown; message?: unknown }
  if (expose !== true || typeof status !== 'number' || status < 400 || status > 499) return undefined
  return new Problem(status, codeOf(status), typeof message === 'string' ? message : '', undefined, {
    cause: error,
  })
}

/** Nobody answered (404), or a router only said that the method does not fit (with Allow; 501 for one it never heard of). */
function unanswered(ctx: Context): Problem | undefined {
  if (ctx.respond === false || ctx.headerSent || (ctx.body !== undefined && ctx.body !== null))
    return undefined
  if (ctx.status === 404) return notFound()
  // What a caller sends is never our failure: not even a method that nobody knows.
  if (ctx.status === 405 || ctx.status === 501)
    return new Problem(405, 'method_not_allowed', 'This address does not take that method.')
  return undefined
}

function send(ctx: Context, problem: Problem, pages: Pages): void {
  if (ctx.headerSent || !ctx.writable) {
    // Half an answer is out. Cutting the connection is the only way left to say that it is not whole.
    if (!ctx.res.writableFinished) ctx.res.destroy()
    return
  }
  ctx.respond = true
  try {
    answer(ctx, problem, pages)
  } catch (error) {
    ctx.state.log.error({ err: error }, 'the error page failed')
    ctx.status = 500
    ctx.type = 'application/problem+json'
    ctx.body = JSON.stringify(problemOf(error).toJSON(ctx.state.requestId))
  }
}

/** Most requests write nothing but their line: a log of their own is made when somebody asks for it. */
function lazily(make: () => Logger): PropertyDescriptor {
  let made: Logger | undefined
  const get = () => {
    made ??= make()
    return made
  }
  return { get, enumerable: true, configurable: true }
}

function writeLine(log: Logger, ctx: Context, problem: Problem | undefined): void {
  const { requestId, startedAt, clientAddress } = ctx.state
  log.info(
    {
      request_id: requestId,
      method: ctx.method,
      path: loggedPath(ctx),
      status: ctx.res.statusCode,
      ms: Math.round((performance.now() - startedAt) * 10) / 10,
      address: clientAddress,
      ...(problem && { problem: problem.code, ...(problem.detail && { detail: problem.detail }) }),
      ...(!ctx.res.writableFinished && { aborted: true }),
    },
    'request',
  )
}

/**
 * Paths may hold one-time secrets: the matching route's pattern is logged, and where there is none, long segments
 * are left out. Queries are never logged.
 */
function loggedPath(ctx: Context): string {
  const route: unknown = ctx._matchedRoute
  if (typeof route === 'string' && !route.includes('*')) return route
  const [path = ''] = (ctx.req.url ?? '').split('?')
  return path.replace(/[^/]{24,}/g, '…').slice(0, 200)
}

/** Koa prints errors of broken connections and streams on the console when nobody listens. */
export function logAppErrors(app: Pick<Koa, 'on'>, log: Logger): void {
  app.on('error', (error: unknown, ctx?: Context) => {
    const { log: own = log } = ctx?.state ?? {}
    own.warn({ err: error }, 'an answer could not be sent whole')
  })
}
