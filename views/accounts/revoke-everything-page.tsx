import { ConfirmPage } from '../layout/confirm-page.tsx'
import { paths } from '../layout/paths.ts'
import { usePage } from '../page-context.ts'

export interface RevokeEverythingPageProps {
  /** by the name of the kind, in order */
  counts: Readonly<Record<string, number>>
  /** applications that were allowed something */
  applications: number
}

export function RevokeEverythingPage({ counts, applications }: RevokeEverythingPageProps) {
  const words = usePage().messages.revoke
  const lines = Object.entries(counts).map(([kind, count]) => words.kind(kind, count))
  if (applications > 0) lines.push(words.everythingAllowed(applications))
  return (
    <ConfirmPage
      title={words.everythingTitle}
      action={paths.revokeEverything}
      button={words.everything}
      cancel={{ href: paths.sessions, label: words.keep }}
    >
      <p>{words.everythingLead}</p>
      <p>{words.everythingEnds}</p>
      <ul>
        {lines.map(line => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p>{words.everythingAfter}</p>
    </ConfirmPage>
  )
}
