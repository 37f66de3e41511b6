import type { Context } from '../http/context.ts'
import { Problem } from '../http/problem.ts'

/** What a form page shows when it was refused. */
export interface Refusal {
  readonly status: number
  /** By field name. */
  readonly errors: Readonly<Record<string, string>>
  /** Above the form; undefined when the fields' errors say it all. */
  readonly formError: string | undefined
  readonly retryAfterSeconds: number | undefined
}

/** Statuses after which the same form, corrected or sent later, can succeed. */
const SHOWN_IN_FORM = new Set([401, 409, 429, 503])

/**
 * Turns what sign-in and sign-up threw into what their form shows, and puts the headers (`Retry-After`) on the answer.
 * Errors of fields are 422. Throws everything else again: that belongs on the problem page.
 */
export function refusalOf(ctx: Context, error: unknown): Refusal {
  if (!(error instanceof Problem) || !(error.errors || SHOWN_IN_FORM.has(error.status))) throw error
  for (const [name, value] of Object.entries(error.headers)) ctx.set(name, value)
  const retryAfter = Number(error.headers['Retry-After'])
  return {
    status: error.errors ? 422 : error.status,
    errors: Object.fromEntries((error.errors ?? []).map(({ path, message }) => [path, message])),
    formError: error.errors ? undefined : error.message,
    retryAfterSeconds: retryAfter > 0 ? retryAfter : undefined,
  }
}
