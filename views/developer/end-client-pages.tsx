import { ConfirmPage } from '../layout/confirm-page.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'
import { clientPath, type ShownClient, type ShownSecret } from './client.ts'

type Named = Pick<ShownClient, 'clientId' | 'name'>

const strong = (name: string) => (
  <Name key="name" strong>
    {name}
  </Name>
)

export function DisableClientPage({ client }: { client: Named }) {
  const words = usePage().messages.clients
  const here = clientPath(client.clientId)
  return (
    <ConfirmPage
      title={words.disableTitle(client.name)}
      action={`${here}/disable`}
      button={words.disable}
      cancel={{ href: here, label: words.keepEnabled }}
    >
      <p>{words.disableNote(strong(client.name))}</p>
    </ConfirmPage>
  )
}

export function DeleteClientPage({ client }: { client: Named }) {
  const words = usePage().messages.clients
  const here = clientPath(client.clientId)
  return (
    <ConfirmPage
      title={words.deleteTitle(client.name)}
      action={`${here}/delete`}
      button={words.delete}
      cancel={{ href: here, label: words.keep }}
    >
      <p>{words.deleteNote(strong(client.name))}</p>
    </ConfirmPage>
  )
}

export interface RetireSecretPageProps {
  client: Named
  secret: ShownSecret
  /** there is no other */
  isLast: boolean
}

export function RetireSecretPage({ client, secret, isLast }: RetireSecretPageProps) {
  const words = usePage().messages.clients
  const here = clientPath(client.clientId)
  return (
    <ConfirmPage
      title={words.retireTitle}
      action={`${here}/secrets/${encodeURIComponent(secret.id)}/retire`}
      button={words.retire}
      cancel={{ href: here, label: words.keepSecret }}
    >
      <p>{words.retireNote(<code key="last4">{secret.last4}</code>, strong(client.name))}</p>
      {isLast ? <p>{words.retireLast}</p> : null}
    </ConfirmPage>
  )
}
