/** Reading a value of unknown shape: what is not as expected counts as absent, because a schema says so elsewhere. */

export type Item = Readonly<Record<string, unknown>>

export function recordOf(value: unknown): Item | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Item) : undefined
}

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** The texts of a list. */
export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
}

/** The texts of a list, with their places in it. */
export function placedTextsOf(value: unknown): { index: number; text: string }[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((text, index) => (typeof text === 'string' ? [{ index, text }] : []))
}

export const keysOf = (value: unknown): string[] => Object.keys(recordOf(value) ?? {})
