import { Button, ButtonLink } from '../layout/button.tsx'
import { paths } from '../layout/paths.ts'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'
import { clientPath } from './client.ts'
import { ClientForm, type ClientFormProps } from './client-form.tsx'

export interface EditClientPageProps
  extends Omit<ClientFormProps, 'action' | 'hidden' | 'children' | 'organizations'> {
  client: { clientId: string; name: string }
}

export function EditClientPage({ client, ...form }: EditClientPageProps) {
  const { clients: words, layout } = usePage().messages
  const here = clientPath(client.clientId)
  return (
    <WidePage
      title={words.editTitle}
      current="clients"
      trail={[
        { href: paths.clients, label: words.title },
        { href: here, label: client.name },
      ]}
      hasErrors={Object.keys(form.errors).length > 0}
    >
      <ClientForm {...form} action={`${here}/edit`}>
        <Button>{layout.save}</Button>
        <ButtonLink look="quiet" href={here}>
          {layout.cancel}
        </ButtonLink>
      </ClientForm>
    </WidePage>
  )
}
