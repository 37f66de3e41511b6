/**
 * Lets slow, memory-hungry work through a few at a time and refuses what would wait too long. Hashing a password is such
 * work: unbounded, a few hundred sign-ins at once would take the server's memory and every other request's time.
 */
import { unavailable } from '../http/problem.ts'

export interface HashQueue {
  /** @throws Problem 503 with `Retry-After` when what is waiting already fills the time allowed */
  run<T>(work: () => Promise<T>): Promise<T>
}

export interface HashQueueOptions {
  readonly atOnce: number
  /** The most work that may wait, in milliseconds of waiting. */
  readonly longestWaitMs: number
  /** What one piece of work takes until measured, in milliseconds. */
  readonly firstGuessMs: number
  /** Monotonic, in milliseconds. */
  readonly now?: () => number
}

/** How much one measurement moves the average. */
const WEIGHT = 0.1

export function createHashQueue(options: HashQueueOptions): HashQueue {
  const { atOnce, longestWaitMs, firstGuessMs, now = () => performance.now() } = options
  const waiting: (() => void)[] = []
  let running = 0
  let averageMs = firstGuessMs

  async function enter(): Promise<void> {
    if (running < atOnce) {
      running++
      return
    }
    const waitMs = ((waiting.length + 1) * averageMs) / atOnce
    if (waitMs > longestWaitMs) {
      const detail = `${waiting.length} passwords are waiting to be checked`
      throw unavailable(detail, Math.ceil(longestWaitMs / 1000))
    }
    await new Promise<void>(resolve => waiting.push(resolve))
  }

  function leave(): void {
    // The place goes straight to the next one, so that nobody who arrives in between can take it.
    const next = waiting.shift()
    if (next) next()
    else running--
  }

  return {
    async run(work) {
      await enter()
      const start = now()
      try {
        return await work()
      } finally {
        averageMs += WEIGHT * (now() - start - averageMs)
        leave()
      }
    },
  }
}
