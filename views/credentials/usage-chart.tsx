import { usePage } from '../page-context.ts'

export interface UsageOfDay {
  day: Date
  success: number
  refused: number
}

const HEIGHT = 96
const STEP = 12

/** Use by day, oldest first: accepted, and refused on top of it. The same in words, and as a table. */
export function UsageChart({ days }: { days: UsageOfDay[] }) {
  const { messages } = usePage()
  const { chart } = messages.tokens
  const success = sum(days.map(day => day.success))
  const refused = sum(days.map(day => day.refused))
  const total = chart.summary(success, refused)
  const busiest = days.reduce<UsageOfDay | undefined>(
    (most, day) => (uses(day) > (most ? uses(most) : 0) ? day : most),
    undefined,
  )
  const inWords =
    busiest && `${chart.title}: ${total}. ${chart.busiest(messages.time.day(busiest.day), uses(busiest))}`
  return (
    <figure class="card chart">
      <figcaption>
        <span>{chart.title}</span>
        <span class="hint">{busiest ? total : chart.none}</span>
      </figcaption>
      {busiest ? (
        <>
          <svg
            class="bar-chart usage-chart"
            viewBox={`0 0 ${Math.max(1, days.length) * STEP} ${HEIGHT}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={inWords}
          >
            {days.map((day, index) => (
              <Bar key={day.day.toISOString()} day={day} x={index * STEP + 1} most={uses(busiest)} />
            ))}
          </svg>
          <Legend />
          <details class="disclosure">
            <summary>{chart.table}</summary>
            <UsageTable days={days.filter(day => uses(day) > 0).reverse()} />
          </details>
        </>
      ) : null}
    </figure>
  )
}

/** A day without use is a line, so that it is seen to be a day. */
function Bar({ day, x, most }: { day: UsageOfDay; x: number; most: number }) {
  const { messages } = usePage()
  const good = lengthOf(day.success, most)
  const bad = lengthOf(day.refused, most)
  const label = messages.tokens.chart.bar(messages.time.day(day.day), day.success, day.refused)
  const width = STEP - 2
  return (
    <g>
      <title>{label}</title>
      {good + bad === 0 ? (
        <rect class="bar-none" x={x} y={HEIGHT - 1} width={width} height={1} />
      ) : (
        <>
          <rect class="bar" x={x} y={HEIGHT - good} width={width} height={good} />
          <rect class="bar-refused" x={x} y={HEIGHT - good - bad} width={width} height={bad} />
        </>
      )}
    </g>
  )
}

function Legend() {
  const { chart } = usePage().messages.tokens
  return (
    <ul class="legend" aria-hidden="true">
      <li>
        <span class="legend-mark legend-success" />
        {chart.success}
      </li>
      <li>
        <span class="legend-mark legend-refused" />
        {chart.refused}
      </li>
    </ul>
  )
}

function UsageTable({ days }: { days: UsageOfDay[] }) {
  const { messages } = usePage()
  const { chart } = messages.tokens
  return (
    <table class="plain-table">
      <caption class="visually-hidden">{chart.title}</caption>
      <thead>
        <tr>
          <th scope="col">{chart.day}</th>
          <th scope="col" class="amount">
            {chart.success}
          </th>
          <th scope="col" class="amount">
            {chart.refused}
          </th>
        </tr>
      </thead>
      <tbody>
        {days.map(({ day, success, refused }) => (
          <tr key={day.toISOString()}>
            <th scope="row">{messages.time.day(day)}</th>
            <td class="amount">{messages.number(success)}</td>
            <td class="amount">{messages.number(refused)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const uses = ({ success, refused }: UsageOfDay) => success + refused
const sum = (values: number[]) => values.reduce((all, one) => all + one, 0)

/** One use is seen beside a thousand. */
const lengthOf = (count: number, most: number) =>
  count === 0 ? 0 : Math.max(3, (count / Math.max(1, most)) * (HEIGHT - 6))
