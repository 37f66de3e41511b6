/**
 * The checks of one verification, made in the order that judge.ts tells. The first that fails is the refusal. Whoever wants
 * an explanation (POST /v1/verify) is told of each, also of those after the first that failed, as far as they can be made.
 */
import type { Problem } from '../http/problem.ts'

export interface Check {
  /** Short and stable, such as `expiry`. */
  readonly name: string
  readonly passed: boolean
  /** For the developer who asked; never a secret. */
  readonly detail: string
}

/** Is told of every check as it is made. */
export type Explain = (check: Check) => void

/** One check whose refusal its caller knows, unless there is a better one; see `Checks.need`. */
export type Need = (name: string, passed: boolean, detail: () => string, refusal?: () => Problem) => boolean

export interface Checks {
  /**
   * @param detail only asked for when somebody wants an explanation
   * @returns whether to go on: it passed, or an explanation goes on without it
   * @throws the refusal, at once, when nobody wants an explanation
   */
  need(name: string, passed: boolean, detail: () => string, refusal: () => Problem): boolean
  /** No more checks can be made. @throws the first refusal, if there was one */
  settle(): void
}

export function createChecks(explain?: Explain): Checks {
  let first: Problem | undefined
  return {
    need(name, passed, detail, refusal) {
      if (!passed && !explain) throw refusal()
      if (!passed) first ??= refusal()
      explain?.({ name, passed, detail: detail() })
      return passed || explain !== undefined
    },
    settle() {
      if (first) throw first
    },
  }
}
