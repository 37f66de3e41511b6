/**
 * `POST /v1/leaks`: whoever finds a credential where it does not belong tells us, without having one. The answer is the
 * same, and comes after the same time, whether the text opens something, did once, or is nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { apiRoute } from '../credentials/api-caller.ts'
import { NO_CREDENTIAL } from '../http/api-route.ts'
import { sourceOf } from '../http/context.ts'
import type { Throttle } from '../sign-in/throttle.ts'
import type { Leaks } from './leaks.ts'

export interface LeakRoutesDeps {
  readonly leaks: Pick<Leaks, 'accept'>
  readonly throttle: Pick<Throttle, 'countLeakReport'>
}

/** Long enough for one token to have ended; nobody waits for more. */
const ANSWER_MS = 500

const token = z.string().trim().min(1).max(8192)
const reported = z
  .strictObject({
    token: token.optional().describe('What was found. This or `tokens`'),
    tokens: z.array(token).min(1).max(100).optional(),
    source: z
      .string()
      .trim()
      .max(500)
      .optional()
      .describe('Where it was found, such as the address of a file'),
  })
  .superRefine((body, ctx) => {
    if ((body.token === undefined) === (body.tokens === undefined))
      ctx.addIssue({ code: 'custom', path: ['token'], message: 'is needed, or tokens: one of them' })
  })
  .meta({ id: 'LeakReport' })
const received = z.strictObject({ received: z.number().int() })

export function leakRoutes({ leaks, throttle }: LeakRoutesDeps) {
  return [
    apiRoute({
      method: 'post',
      path: '/v1/leaks',
      summary: 'Report credentials that were found where they do not belong. Needs no credential',
      scope: NO_CREDENTIAL,
      status: 202,
      body: reported,
      response: received,
      async answer({ ctx, body }) {
        const answerAt = performance.now() + ANSWER_MS
        const source = sourceOf(ctx)
        await throttle.countLeakReport(source.address)
        const tokens = body.tokens ?? [body.token ?? '']
        await leaks.accept({ tokens, where: body.source || undefined, source })
        await sleep(Math.max(0, answerAt - performance.now()))
        return { received: tokens.length }
      },
    }),
  ]
}
