import { BarChart } from '../layout/bar-chart.tsx'
import { usePage } from '../page-context.ts'

export interface AccountsOfDay {
  day: Date
  count: number
}

export function AccountsCreated({ perDay }: { perDay: AccountsOfDay[] }) {
  const { messages } = usePage()
  const { createdSummary, createdOn, created } = messages.admin
  const total = perDay.reduce((sum, { count }) => sum + count, 0)
  const summary = createdSummary(total, perDay.length)
  return (
    <figure class="card chart">
      <figcaption>
        <span>{created}</span>
        <span class="hint">{summary}</span>
      </figcaption>
      <BarChart
        summary={`${created}. ${summary}`}
        bars={perDay.map(({ day, count }) => ({
          label: createdOn(messages.time.day(day), count),
          value: count,
        }))}
      />
    </figure>
  )
}
