/**
 * `/health/live`: the process answers. `/health/ready`: it can do its work, and is not about to stop. A load balancer
 * asks the second; `drain()` makes it say no before the server stops to listen.
 */
import type { Context, Middleware } from './context.ts'
import { notFound } from './problem.ts'

/** Resolves when what it checks works, rejects when not. */
export type HealthCheck = () => Promise<unknown>

export interface Health {
  readonly serve: Middleware
  /** From now on not ready. */
  drain(): void
}

const PREFIX = '/health/'
const CHECK_LIMIT_MS = 2_000

/** @param checks by name, e.g. `database`; the name is public, why it failed goes to the log only */
export function createHealth({
  checks,
  limitMs = CHECK_LIMIT_MS,
}: {
  checks: Readonly<Record<string, HealthCheck>>
  limitMs?: number
}): Health {
  let draining = false

  const ready = async (ctx: Context) => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await passes(ctx, name, check)] as const),
    )
    const isReady = !draining && results.every(([, passed]) => passed)
    ctx.status = isReady ? 200 : 503
    ctx.body = {
      status: draining ? 'draining' : isReady ? 'ok' : 'unavailable',
      checks: Object.fromEntries(results.map(([name, passed]) => [name, passed ? 'ok' : 'failed'])),
    }
  }

  const passes = async (ctx: Context, name: string, check: HealthCheck) => {
    try {
      await within(limitMs, check)
      return true
    } catch (error) {
      ctx.state.log.warn({ err: error, check: name }, 'a health check failed')
      return false
    }
  }

  return {
    serve: async (ctx, next) => {
      if (!ctx.path.startsWith(PREFIX)) {
        await next()
        return
      }
      if (ctx.method !== 'GET' && ctx.method !== 'HEAD') throw notFound()
      if (ctx.path === '/health/live') ctx.body = { status: 'ok', checks: {} }
      else if (ctx.path === '/health/ready') await ready(ctx)
      else throw notFound()
    },
    drain() {
      draining = true
    },
  }
}

async function within(ms: number, check: HealthCheck): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    await Promise.race([check(), late])
  } finally {
    clearTimeout(timer)
  }
}
