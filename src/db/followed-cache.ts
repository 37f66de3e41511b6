/**
 * Things kept in memory and kept true by the change log. It owns when a copy may be believed; it does not know what the
 * things are. Directories of clients and resources are made of it.
 *
 * - A change drops the copy. A fill that began before the drop never lands: it is no longer the fill in flight.
 * - While the change log is not fresh every `find` asks the database, alone: a shared answer could be older than the call.
 * - Absence is not kept, so that made-up ids push nothing out.
 */
import type { Change, ChangeLog } from './change-log.ts'

export interface FollowedCache<V> {
  /** The thing, or undefined. Callers share what they get: never change it. */
  find(id: string): Promise<V | undefined>
  /**
   * For a statement that reads the thing beside something else: call before it, and the function that comes back with what
   * was read. It is kept unless anything of this type has changed meanwhile, or the change log is not fresh.
   */
  begin(): (id: string, value: V) => void
  /** Ends the subscription. */
  close(): void
}

export interface FollowedCacheOptions<V> {
  readonly changeLog: Pick<ChangeLog, 'subscribe' | 'isFresh'>
  /** The change log's row type. */
  readonly type: string
  /** The id inside the change's payload; a change without one drops everything. */
  readonly idOf: (payload: Change['payload']) => unknown
  readonly load: (id: string) => Promise<V | undefined>
  /** More row types of the change log, each of which drops everything. */
  readonly alsoDroppedBy?: readonly string[]
  readonly maxEntries?: number
  readonly maxBytes?: number
}

/** Longer ids are nobody's. */
const MAX_ID_LENGTH = 2048

export function createFollowedCache<V>(options: FollowedCacheOptions<V>): FollowedCache<V> {
  const { changeLog, type, idOf, load, alsoDroppedBy = [] } = options
  const { maxEntries = 10_000, maxBytes = 32 * 1024 * 1024 } = options
  const kept = new Map<string, { value: V; bytes: number }>() // in order of last use
  const filling = new Map<string, Promise<V | undefined>>()
  let bytes = 0
  let changes = 0

  const drop = (id: string) => {
    bytes -= kept.get(id)?.bytes ?? 0
    kept.delete(id)
    filling.delete(id)
  }

  const dropAll = () => {
    kept.clear()
    filling.clear()
    bytes = 0
  }

  const keep = (id: string, value: V) => {
    drop(id)
    const entry = { value, bytes: sizeOf(id) + sizeOf(value) }
    kept.set(id, entry)
    bytes += entry.bytes
    for (const oldest of kept.keys()) {
      if (kept.size <= maxEntries && bytes <= maxBytes) break
      drop(oldest)
    }
  }

  const fill = (id: string): Promise<V | undefined> => {
    const loading = load(id).then(
      value => {
        if (filling.get(id) === loading) {
          filling.delete(id)
          if (value !== undefined) keep(id, value)
        }
        return value
      },
      error => {
        if (filling.get(id) === loading) filling.delete(id)
        throw error
      },
    )
    filling.set(id, loading)
    return loading
  }

  const subscriptions = [
    changeLog.subscribe(type, ({ payload }) => {
      changes += 1
      const id = idOf(payload)
      if (typeof id === 'string') drop(id)
      else dropAll()
    }),
    ...alsoDroppedBy.map(other =>
      changeLog.subscribe(other, () => {
        changes += 1
        dropAll()
      }),
    ),
  ]

  return {
    async find(id) {
      if (!isStorable(id)) return undefined
      if (!changeLog.isFresh()) return await load(id)
      const entry = kept.get(id)
      if (entry) {
        kept.delete(id)
        kept.set(id, entry)
        return entry.value
      }
      return await (filling.get(id) ?? fill(id))
    },
    begin() {
      const before = changes
      return (id, value) => {
        if (changes === before && changeLog.isFresh()) keep(id, value)
      }
    },
    close() {
      for (const unsubscribe of subscriptions) unsubscribe()
      dropAll()
    },
  }
}

/** Postgres text holds no U+0000, and UTF-8 no lone surrogates: such an id cannot exist. */
function isStorable(id: string): boolean {
  return id.length <= MAX_ID_LENGTH && !id.includes('\0') && id.isWellFormed()
}

/** Bytes in memory, roughly: good enough for a bound. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length * 2
  if (typeof value !== 'object' || value === null) return 8
  if (ArrayBuffer.isView(value)) return 64 + value.byteLength
  const parts = value instanceof Map ? [...value].flat() : value instanceof Set ? value : Object.values(value)
  let bytes = 64
  for (const part of parts) bytes += sizeOf(part)
  return bytes
}
