/**
 * Something that is fetched and kept for as long as it says: Latchkey's keys, a status list. It is renewed in the background
 * from half of its time on, so that nobody waits; when its time is over, whoever needs it waits for the new one. When that
 * cannot be had, the old one is used within its last limit, and after it nothing is.
 */
export interface Loaded<T> {
  readonly value: T
  /** Milliseconds from the request on. */
  readonly freshMs: number
  /** Milliseconds since 1970: not even without Latchkey is it used after that. */
  readonly usableUntil: number
}

export interface Kept<T> {
  /** Undefined when there is none or its time is over. Asks nobody, or only in the background. */
  fresh(): T | undefined
  /** The fresh one, fetched if need be, else the old one. @throws Unavailable */
  get(): Promise<T>
  /** A newer one, unless it was asked for less than `pauseMs` ago: then undefined. @throws Unavailable */
  renew(pauseMs: number): Promise<T | undefined>
  /** Whatever was asked for before now is not used any more, whatever happens. */
  distrust(): void
  /** No use to anybody any more. */
  isOver(): boolean
}

interface Current<T> extends Loaded<T> {
  readonly askedAt: number
}

/** After a failure nobody asks for so long: everyone else would wait for the same time-out. */
const FAILED_PAUSE_MS = 1_000

export function keep<T>(
  load: (previous: T | undefined) => Promise<Loaded<T>>,
  { now, report }: { now: () => number; report: (error: unknown) => void },
): Kept<T> {
  let current: Current<T> | undefined
  let loading: Promise<T> | undefined
  let failed: { readonly at: number; readonly error: unknown } | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let trustedFrom = Number.NEGATIVE_INFINITY

  const isFresh = ({ askedAt, freshMs }: Current<T>) => now() < askedAt + freshMs && askedAt > trustedFrom
  const isUsable = ({ askedAt, usableUntil }: Current<T>) => now() < usableUntil && askedAt > trustedFrom
  const isTired = () => failed !== undefined && now() < failed.at + FAILED_PAUSE_MS

  async function fetchIt(): Promise<T> {
    const at = now()
    askedAt = at
    try {
      const loaded = await load(current?.value)
      current = { ...loaded, askedAt: at }
      failed = undefined
      return loaded.value
    } catch (error) {
      failed = { at: now(), error }
      report(error)
      throw error
    } finally {
      loading = undefined
    }
  }
  /** Callers at the same time share one request. */
  const loadOnce = () => {
    if (!loading && isTired()) return Promise.reject(failed?.error)
    loading ??= fetchIt()
    return loading
  }

  return {
    fresh() {
      if (!current || !isFresh(current)) return undefined
      // A failure has been reported, and the one at hand is still good.
      if (now() >= current.askedAt + current.freshMs / 2) loadOnce().catch(() => undefined)
      return current.value
    },

    async get() {
      for (;;) {
        if (current && isFresh(current)) return current.value
        // It has failed before, perhaps after a long wait: from then on nobody waits for it while the old one counts.
        if (current && failed && isUsable(current)) {
          loadOnce().catch(() => undefined)
          return current.value
        }
        const isEarlier = loading !== undefined
        try {
          const value = await loadOnce()
          // A request that was under way when it was distrusted does not count.
          if (!isEarlier) return value
        } catch (error) {
          if (current && isUsable(current)) return current.value
          throw error
        }
      }
    },

    async renew(pauseMs) {
      if (loading) return loading
      return now() < askedAt + pauseMs ? undefined : loadOnce()
    },

    distrust() {
      trustedFrom = now()
    },

    isOver: () => current !== undefined && !isUsable(current),
  }
}
