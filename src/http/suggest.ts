/** The one of `known` that is two edits away from `word` at most: what was probably meant. */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  if (word.length < 3 || word.length > 64) return undefined
  let best: string | undefined
  let least = 3
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** Levenshtein. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, fromA] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, fromB] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (fromA === fromB ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
