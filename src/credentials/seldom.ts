/** What is worth telling once in a while and not each time. Of this node only, in memory. */

const MOST = 10_000

/** @returns whether to tell now: it was not told about this key for so long */
export function createSeldom(everyMs: number): (key: string) => boolean {
  const told = new Map<string, number>()
  return key => {
    const now = performance.now()
    if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < everyMs) return false
    if (told.size >= MOST) told.clear()
    told.set(key, now)
    return true
  }
}
