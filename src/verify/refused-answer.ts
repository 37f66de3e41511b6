/** A refusal as the HTTP answer that a resource server relays to its own caller, byte for byte what ours would be. */
import type { Problem } from '../http/problem.ts'

export interface RefusedAnswer {
  readonly status: number
  readonly headers: [name: string, value: string][]
  readonly body: Record<string, unknown>
}

export function refusedAnswer(problem: Problem, requestId: string): RefusedAnswer {
  const own = Object.entries(problem.headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  )
  return {
    status: problem.status,
    headers: [['Content-Type', 'application/problem+json'], ['Cache-Control', 'no-store'], ...own],
    body: { ...problem.toJSON(requestId) },
  }
}
