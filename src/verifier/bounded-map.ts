/**
 * A map that forgets what was not asked for in a long time. Two generations instead of an order: the younger takes what is new
 * or asked for again; when it is full it becomes the older one, and what was that is gone. Taking the oldest entry out of
 * one big `Map` again and again is slow: it looks through all that was taken out before.
 */
export class BoundedMap<V> {
  #younger = new Map<string, V>()
  #older = new Map<string, V>()
  readonly #half: number

  /** @param most entries at any time; 0: none */
  constructor(most: number) {
    this.#half = Math.floor(most / 2)
  }

  get(key: string): V | undefined {
    const found = this.#younger.get(key)
    if (found !== undefined) return found
    const old = this.#older.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: V): void {
    if (this.#half === 0) return
    if (this.#younger.size >= this.#half && !this.#younger.has(key)) {
      this.#older = this.#younger
      this.#younger = new Map()
    }
    this.#older.delete(key)
    this.#younger.set(key, value)
  }

  delete(key: string): void {
    this.#younger.delete(key)
    this.#older.delete(key)
  }

  deleteIf(isGone: (value: V) => boolean): void {
    for (const entries of [this.#younger, this.#older])
      for (const [key, value] of entries) if (isGone(value)) entries.delete(key)
  }
}
