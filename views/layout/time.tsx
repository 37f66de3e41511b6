import type { Messages } from '../messages/catalogue.ts'
import { usePage } from '../page-context.ts'

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
]

/** How long ago or how soon, with the exact moment in UTC on hover and for machines. */
export function Time({ value }: { value: Date }) {
  const { messages, now } = usePage()
  return (
    <time dateTime={value.toISOString()} title={messages.time.exact(value)}>
      {relativeTime(value, now, messages)}
    </time>
  )
}

/**
 * In the largest unit that fits once. What is past is rounded down, as people count ages; what is to come to the nearest, so
 * that two weeks are two weeks a second later, too.
 */
export function relativeTime(value: Date, now: Date, messages: Messages): string {
  const seconds = Math.round((value.getTime() - now.getTime()) / 1000)
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return messages.time.relative(rounded(seconds / length), unit)
  }
  return Math.abs(seconds) < 10 ? messages.time.now : messages.time.relative(seconds, 'second')
}

const rounded = (amount: number) => (amount < 0 ? Math.ceil(amount) : Math.round(amount))
