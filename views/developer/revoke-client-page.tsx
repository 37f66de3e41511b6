import { ButtonLink } from '../layout/button.tsx'
import { ConfirmPage } from '../layout/confirm-page.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'
import { clientPath, type ShownClient } from './client.ts'

export interface RevokeClientPageProps {
  client: Pick<ShownClient, 'clientId' | 'name'>
  /** what a dry run has found, by the name of the kind */
  counts: Readonly<Record<string, number>>
  plan: string
}

/** The dry run, and the button below it. */
export function RevokeClientPage({ client, counts, plan }: RevokeClientPageProps) {
  const words = usePage().messages.revoke
  const here = clientPath(client.clientId)
  const title = words.ofClientTitle(client.name)
  const found = Object.entries(counts)
  if (found.length === 0)
    return (
      <FocusedPage title={title}>
        <p>{words.ofClientNothing}</p>
        <ButtonLink look="secondary" href={here}>
          {words.back}
        </ButtonLink>
      </FocusedPage>
    )
  return (
    <ConfirmPage
      title={title}
      action={`${here}/revoke`}
      hidden={{ plan }}
      button={words.ofClientButton}
      cancel={{ href: here, label: words.ofClientKeep }}
    >
      <p>
        {words.ofClientLead(
          <Name key="name" strong>
            {client.name}
          </Name>,
        )}
      </p>
      <ul>
        {found.map(([kind, count]) => (
          <li key={kind}>{words.kind(kind, count)}</li>
        ))}
      </ul>
      <p>{words.ofClientNote}</p>
    </ConfirmPage>
  )
}
