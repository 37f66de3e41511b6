import { ButtonLink } from '../layout/button.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { usePage } from '../page-context.ts'

export interface DeviceDecidedPageProps {
  allowed: boolean
  client: { name: string }
}

/** There is nothing more to do here: the person goes back to the device. */
export function DeviceDecidedPage({ allowed, client }: DeviceDecidedPageProps) {
  const words = usePage().messages.device
  const name = (
    <Name key="client" strong>
      {client.name}
    </Name>
  )
  return (
    <FocusedPage
      id={allowed ? 'device-allowed' : 'device-denied'}
      title={allowed ? words.allowedTitle : words.deniedTitle}
    >
      <p>{allowed ? words.allowed(name) : words.denied(name)}</p>
      <p class="hint">{allowed ? words.later : words.notYou}</p>
      <p class="buttons">
        <ButtonLink href={allowed ? paths.applications : paths.home} look="secondary">
          {allowed ? words.toApplications : words.home}
        </ButtonLink>
      </p>
    </FocusedPage>
  )
}
