import { Button, ButtonLink } from '../layout/button.tsx'
import { ErrorSummary } from '../layout/error-summary.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Select } from '../layout/select.tsx'
import { usePage } from '../page-context.ts'
import { clientPath } from './client.ts'

export interface NewSecretPageProps {
  clientId: string
  /** in seconds */
  spans: number[]
  formError?: string | undefined
}

/** Another secret beside the ones that are there. */
export function NewSecretPage({ clientId, spans, formError }: NewSecretPageProps) {
  const { clients: words, layout } = usePage().messages
  const here = clientPath(clientId)
  return (
    <FocusedPage title={words.addSecretTitle} lead={words.addSecretLead} hasErrors={formError !== undefined}>
      <ErrorSummary formError={formError} errors={[]} />
      <Form action={`${here}/secrets`}>
        <Select
          name="expires_in"
          label={words.expires}
          value="never"
          options={[
            { value: 'never', label: words.noExpiry },
            ...spans.map(seconds => ({ value: String(seconds), label: words.expiresIn(seconds) })),
          ]}
        />
        <div class="buttons buttons-equal">
          <Button>{words.addSecret}</Button>
          <ButtonLink look="secondary" href={here}>
            {layout.cancel}
          </ButtonLink>
        </div>
      </Form>
    </FocusedPage>
  )
}
