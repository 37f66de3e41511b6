import { Button, ButtonLink } from '../layout/button.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'
import { ClientMark } from './client-mark.tsx'
import { ClientOrigin } from './client-origin.tsx'

export interface ContinuePageProps {
  /** `host`: where the person is sent, with the port; or the scheme of the address */
  client: { name: string; host: string }
  href: string
  /** there: they are posted to `href`; else it is a link */
  fields?: Readonly<Record<string, string>> | undefined
}

/** Nobody is sent unasked to an application that registered itself. */
export function ContinuePage({ client, href, fields }: ContinuePageProps) {
  const words = usePage().messages.leaving
  return (
    <FocusedPage
      id="continue"
      title={words.documentTitle(client.host)}
      mark={<ClientMark name={client.name} />}
      heading={words.title(<Name key="client">{client.name}</Name>)}
      lead={<ClientOrigin client={{ name: client.name, verified: false }} />}
    >
      <p>{words.note}</p>
      <p class="destination">
        {words.destination} <Name strong>{client.host}</Name>
      </p>
      {fields === undefined ? (
        <p class="buttons">
          <ButtonLink id="continue" href={href}>
            {words.button}
          </ButtonLink>
        </p>
      ) : (
        <Form action={href} hidden={fields}>
          <div class="buttons">
            <Button id="continue">{words.button}</Button>
          </div>
        </Form>
      )}
    </FocusedPage>
  )
}
