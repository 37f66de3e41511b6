/**
 * The database's time without asking it: what it said at the last read of the change log, and how long ago that was on
 * this node's monotonic clock. For expiry on paths that send no query.
 */
import type { ChangeLog } from './change-log.ts'

export interface DatabaseClock {
  /** Undefined when it has not been heard for a while: then ask. */
  now(): Date | undefined
  close(): void
}

export function createDatabaseClock(changeLog: Pick<ChangeLog, 'followReads' | 'isFresh'>): DatabaseClock {
  let heard: { readonly time: number; readonly at: number } | undefined
  const close = changeLog.followReads(({ databaseTime }) => {
    heard = { time: databaseTime.getTime(), at: performance.now() }
  })
  return {
    now: () =>
      heard && changeLog.isFresh() ? new Date(heard.time + performance.now() - heard.at) : undefined,
    close,
  }
}
