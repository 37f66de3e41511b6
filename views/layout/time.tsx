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

/** The largest unit that fits once, rounded down: never further away than it is. */
export function relativeTime(value: Date, now: Date, messages: Messages): string {
  const seconds = Math.round((value.getTime() - now.getTime()) / 1000)
  for (const [unit, length] of units) {
    const amount = Math.trunc(seconds / length)
    if (amount !== 0) return messages.time.relative(amount, unit)
  }
  return Math.abs(seconds) < 10 ? messages.time.now : messages.time.relative(seconds, 'second')
}
