import { Button } from '../layout/button.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { type ScopeGroup, ScopeList } from '../layout/scope-list.tsx'
import { Notice } from '../messages/notice.tsx'
import { usePage } from '../page-context.ts'
import { ClientMark } from './client-mark.tsx'
import { ClientOrigin, type ShownClient } from './client-origin.tsx'
import { ConsentAccount } from './consent-account.tsx'
import { type ConsentScopeGroup, ScopeChoice } from './scope-choice.tsx'

export interface ConsentClient extends ShownClient {
  /** where the person is sent afterwards: the host (and port) or the scheme of the redirect URI */
  host: string
}

export interface ConsentPageProps {
  action: string
  client: ConsentClient
  account: { name: string; username: string }
  groups: ConsentScopeGroup[]
  alreadyAllowed?: ScopeGroup[] | undefined
  switchAccountAction?: string | undefined
}

/**
 * May this client act for this account? What is granted is what the server recorded, less what was
 * unticked.
 */
export function ConsentPage(props: ConsentPageProps) {
  const { action, client, account, groups, alreadyAllowed = [], switchAccountAction } = props
  const words = usePage().messages.consent
  return (
    <FocusedPage
      id="consent"
      title={words.documentTitle(client.name)}
      mark={<ClientMark name={client.name} logoUri={client.logoUri} />}
      heading={words.title(<Name key="client">{client.name}</Name>)}
      lead={<ClientOrigin client={client} />}
    >
      {client.verified ? null : <Notice tone="warning">{words.unverifiedNote}</Notice>}
      <ConsentAccount account={account} switchAction={switchAccountAction} />
      <Form action={action}>
        {groups.length > 0 ? (
          <div class="consent-scopes">
            <h2>{words.asked}</h2>
            <ScopeChoice groups={groups} />
          </div>
        ) : (
          <p>{words.nothing}</p>
        )}
        <AlreadyAllowed groups={alreadyAllowed} />
        <p class="destination">
          {words.destination} <Name strong>{client.host}</Name>
        </p>
        <div class="buttons buttons-equal">
          <Button id="allow" name="decision" value="allow">
            {words.allow}
          </Button>
          <Button id="deny" look="secondary" name="decision" value="deny">
            {words.deny}
          </Button>
        </div>
        <p class="hint">{words.later}</p>
      </Form>
    </FocusedPage>
  )
}

function AlreadyAllowed({ groups }: { groups: ScopeGroup[] }) {
  const words = usePage().messages.consent
  const count = groups.reduce((sum, group) => sum + group.scopes.length, 0)
  if (count === 0) return null
  return (
    <details class="disclosure">
      <summary>{words.alreadyAllowed(count)}</summary>
      <ScopeList groups={groups} />
    </details>
  )
}
