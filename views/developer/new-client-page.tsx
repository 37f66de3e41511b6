import { Button, ButtonLink } from '../layout/button.tsx'
import { paths } from '../layout/paths.ts'
import { WidePage } from '../layout/wide-page.tsx'
import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'
import { ClientForm, type ClientFormProps } from './client-form.tsx'

export type NewClientPageProps = Omit<ClientFormProps, 'action' | 'hidden' | 'children'>

export function NewClientPage(props: NewClientPageProps) {
  const { kind, errors } = props
  const { clients: words, layout } = usePage().messages
  return (
    <WidePage
      title={`${words.newTitle}: ${words.kinds[kind].name}`}
      heading={words.kinds[kind].name}
      lead={words.kinds[kind].what}
      current="clients"
      trail={[
        { href: paths.clients, label: words.title },
        { href: `${paths.clients}/new`, label: words.newTitle },
      ]}
      hasErrors={Object.keys(errors).length > 0}
    >
      <div class="readable">
        <Notice tone="info">{words.kinds[kind].settings}</Notice>
      </div>
      <ClientForm {...props} action={paths.clients} hidden={{ application_kind: kind }}>
        <Button>{words.form.button}</Button>
        <ButtonLink look="quiet" href={paths.clients}>
          {layout.cancel}
        </ButtonLink>
      </ClientForm>
    </WidePage>
  )
}
