/**
 * Work that is not done twice at once for one key: whoever asks while it is under way needs one that begins later, and
 * shares that with all who do.
 */
export function oneByOne<K, V>(work: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const running = new Map<K, { readonly done: Promise<V>; next?: Promise<V> }>()

  function begin(key: K): Promise<V> {
    const current = running.get(key)
    if (current) {
      current.next ??= current.done.then(
        () => begin(key),
        () => begin(key), // whoever asked for that one is told
      )
      return current.next
    }
    const done = work(key).finally(() => running.delete(key))
    running.set(key, { done })
    return done
  }

  return begin
}
