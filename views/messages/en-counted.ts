/** Amounts in English, for every file of the English catalogue. */
const numbers = new Intl.NumberFormat('en')
const plurals = new Intl.PluralRules('en')

export const number = (value: number): string => numbers.format(value)

export function counted(count: number, one: string, other: string): string {
  return `${numbers.format(count)} ${plurals.select(count) === 'one' ? one : other}`
}

/** Rounded up, in one unit: for waiting. */
export function duration(seconds: number): string {
  if (seconds < 90) return counted(seconds, 'second', 'seconds')
  if (seconds < 5400) return counted(Math.ceil(seconds / 60), 'minute', 'minutes')
  return counted(Math.ceil(seconds / 3600), 'hour', 'hours')
}

/** Exact, in the largest unit that divides it: for settings. */
export function span(seconds: number): string {
  if (seconds > 0 && seconds % 86_400 === 0) return counted(seconds / 86_400, 'day', 'days')
  if (seconds > 0 && seconds % 3600 === 0) return counted(seconds / 3600, 'hour', 'hours')
  if (seconds > 0 && seconds % 60 === 0) return counted(seconds / 60, 'minute', 'minutes')
  return counted(seconds, 'second', 'seconds')
}
