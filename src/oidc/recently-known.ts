/** What a node remembers for a moment of ids that anybody can make up: few, and not for long. The oldest goes first. */

const MOST = 1000

export interface RecentlyKnown<V> {
  find(id: string): V | undefined
  keep(id: string, value: V, ms: number): void
}

export function createRecentlyKnown<V>(): RecentlyKnown<V> {
  const kept = new Map<string, { readonly value: V; readonly until: number }>()
  return {
    find(id) {
      const found = kept.get(id)
      if (found && found.until > performance.now()) return found.value
      kept.delete(id)
      return undefined
    },
    keep(id, value, ms) {
      kept.delete(id)
      kept.set(id, { value, until: performance.now() + ms })
      const [oldest] = kept.keys()
      if (kept.size > MOST && oldest !== undefined) kept.delete(oldest)
    },
  }
}
