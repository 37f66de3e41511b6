/**
 * Work that collects in memory and is written together beside requests: once in a while, never twice at once, and a last
 * time at the end. What is written, and what becomes of it when the database cannot take it, is the caller's.
 */
export interface Batches {
  start(): void
  /** Writes now; while a write is under way it is that one. */
  flush(): Promise<void>
  /** Flushes a last time. */
  stop(): Promise<void>
}

const EVERY_MS = 1_000

/** @param write never rejects: it says in the log what it could not write */
export function createBatches(write: () => Promise<void>, everyMs = EVERY_MS): Batches {
  let writing: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    writing ??= write().finally(() => {
      writing = undefined
    })
    return writing
  }
  return {
    start() {
      timer ??= setInterval(flush, everyMs)
    },
    flush,
    async stop() {
      clearInterval(timer)
      timer = undefined
      await writing
      await flush()
    },
  }
}
