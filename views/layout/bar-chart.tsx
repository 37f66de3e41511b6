export interface Bar {
  /** what the bar stands for, with its value, e.g. `3 May: 12` */
  label: string
  value: number
}

/** A small bar chart. `summary` is its text alternative; each bar says its value on hover. */
export function BarChart({ summary, bars }: { summary: string; bars: Bar[] }) {
  const height = 64
  const step = 12
  const fewest = 30
  const highest = Math.max(1, ...bars.map(bar => bar.value))
  return (
    <svg
      class="bar-chart"
      viewBox={`0 0 ${Math.max(fewest, bars.length) * step} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={summary}
    >
      {bars.map((bar, index) => {
        const length = bar.value === 0 ? 1 : Math.max(3, (bar.value / highest) * height)
        return (
          <rect
            key={bar.label}
            class={bar.value === 0 ? 'bar-none' : 'bar'}
            x={index * step + 1}
            y={height - length}
            width={step - 2}
            height={length}
          >
            <title>{bar.label}</title>
          </rect>
        )
      })}
    </svg>
  )
}
