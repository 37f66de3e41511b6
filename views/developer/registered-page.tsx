import { ButtonLink } from '../layout/button.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { Copyable, SecretBox } from '../layout/secret-box.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { type ApplicationKind, clientPath } from './client.ts'

export interface RegisteredPageProps {
  clientId: string
  name: string
  kind: ApplicationKind
  /** undefined for a public client */
  secret?: string | undefined
  /** code or a command to begin with */
  snippet: string
}

/** The answer to registering a client: what goes into it, the secret for the only time. */
export function RegisteredPage({ clientId, name, kind, secret, snippet }: RegisteredPageProps) {
  const words = usePage().messages.clients
  return (
    <WidePage
      title={words.registeredTitle}
      lead={words.registeredLead(
        <Name key="name" strong>
          {name}
        </Name>,
      )}
      current="clients"
      trail={[{ href: paths.clients, label: words.title }]}
    >
      <section class="card" aria-labelledby="client-id-label">
        <h2 id="client-id-label">{words.clientId}</h2>
        <Copyable id="client-id" what={words.clientId} text={clientId} />
      </section>
      {secret === undefined ? null : <SecretBox label={words.secret} secret={secret} />}
      <section class="card" aria-labelledby="snippet-label">
        <h2 id="snippet-label">{words.snippetTitles[kind]}</h2>
        <Copyable id="snippet" what={words.snippetTitles[kind]} text={snippet} />
      </section>
      <p class="buttons">
        <ButtonLink look="secondary" href={clientPath(clientId)}>
          {words.toClient}
        </ButtonLink>
      </p>
    </WidePage>
  )
}
