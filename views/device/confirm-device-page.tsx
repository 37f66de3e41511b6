import { Button } from '../layout/button.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { Time } from '../layout/time.tsx'
import { Notice } from '../messages/notice.tsx'
import { ClientMark } from '../oidc/client-mark.tsx'
import { ClientOrigin, type ShownClient } from '../oidc/client-origin.tsx'
import { ConsentAccount } from '../oidc/consent-account.tsx'
import { type ConsentScopeGroup, ScopeChoice } from '../oidc/scope-choice.tsx'
import { usePage } from '../page-context.ts'

export interface ConfirmDevicePageProps {
  action: string
  client: ShownClient
  account: { name: string; username: string }
  device: {
    /** what it says about itself; empty when it says nothing */
    name: string
    address: string
    askedAt: Date
  }
  /** empty: the account may have nothing of what is asked for, so that it can only be denied */
  groups: ConsentScopeGroup[]
  switchAccountAction: string
}

/**
 * May this client act for this account, on a device that is somewhere else? Whoever has a code can send it to somebody, so
 * the page says where the request came from, and asks each time (RFC 8628, section 5.4).
 */
export function ConfirmDevicePage(props: ConfirmDevicePageProps) {
  const { action, client, account, device, groups, switchAccountAction } = props
  const { device: words, consent } = usePage().messages
  return (
    <FocusedPage
      id="device-confirm"
      title={words.confirmDocumentTitle(client.name)}
      mark={<ClientMark name={client.name} logoUri={client.logoUri} />}
      heading={words.confirmTitle(<Name key="client">{client.name}</Name>)}
      lead={<ClientOrigin client={client} />}
    >
      <Notice tone="warning">
        <p>{words.onlyYours}</p>
        {client.verified ? null : <p>{consent.unverifiedNote}</p>}
      </Notice>
      <div class="device-details">
        <DetailsList
          details={[
            {
              term: words.device,
              value: device.name ? <Name>{device.name}</Name> : words.unknownDevice,
            },
            {
              term: words.address,
              value: device.address ? <Name>{device.address}</Name> : words.unknownAddress,
            },
            { term: words.askedAt, value: <Time value={device.askedAt} /> },
          ]}
        />
      </div>
      <ConsentAccount account={account} switchAction={switchAccountAction} />
      <Form action={action}>
        {groups.length > 0 ? (
          <div class="consent-scopes">
            <h2>{consent.asked}</h2>
            <ScopeChoice groups={groups} />
          </div>
        ) : (
          <p>{words.nothingPermitted}</p>
        )}
        <div class="buttons buttons-equal">
          {groups.length > 0 ? (
            <Button id="allow" name="decision" value="allow">
              {consent.allow}
            </Button>
          ) : null}
          <Button id="deny" look="secondary" name="decision" value="deny">
            {consent.deny}
          </Button>
        </div>
        {groups.length > 0 ? <p class="hint">{words.staysSignedIn}</p> : null}
      </Form>
    </FocusedPage>
  )
}
