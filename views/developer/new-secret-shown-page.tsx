import { ButtonLink } from '../layout/button.tsx'
import { paths } from '../layout/paths.ts'
import { SecretBox } from '../layout/secret-box.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { clientPath } from './client.ts'

export interface NewSecretShownPageProps {
  client: { clientId: string; name: string }
  secret: string
  /** a command that uses it */
  example?: string | undefined
}

export function NewSecretShownPage({ client, secret, example }: NewSecretShownPageProps) {
  const words = usePage().messages.clients
  const here = clientPath(client.clientId)
  return (
    <WidePage
      title={words.newSecretTitle}
      lead={words.newSecretLead}
      current="clients"
      trail={[
        { href: paths.clients, label: words.title },
        { href: here, label: client.name },
      ]}
    >
      <SecretBox
        label={words.secret}
        secret={secret}
        example={example}
        exampleTitle={words.snippetTitles.service}
      />
      <p class="buttons">
        <ButtonLink look="secondary" href={here}>
          {words.toClient}
        </ButtonLink>
      </p>
    </WidePage>
  )
}
