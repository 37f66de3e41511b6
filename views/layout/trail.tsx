import { usePage } from '../page-context.ts'
import { Name } from './name.tsx'

export interface TrailStep {
  href: string
  label: string
}

/** The way back up, above the title. */
export function Trail({ steps }: { steps: TrailStep[] }) {
  const { layout } = usePage().messages
  return (
    <nav class="trail" aria-label={layout.trail}>
      <ol>
        {steps.map(({ href, label }) => (
          <li key={href}>
            <a href={href}>
              <Name>{label}</Name>
            </a>
          </li>
        ))}
      </ol>
    </nav>
  )
}
