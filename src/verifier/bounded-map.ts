/** A map that forgets its oldest entry when it is full. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, V>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: V): void {
    if (this.#most === 0) return
    this.#entries.delete(key)
    if (this.#entries.size >= this.#most) {
      const oldest = this.#entries.keys().next()
      if (!oldest.done) this.#entries.delete(oldest.value)
    }
    this.#entries.set(key, value)
  }

  deleteIf(isGone: (value: V) => boolean): void {
    for (const [key, value] of this.#entries) if (isGone(value)) this.#entries.delete(key)
  }
}
