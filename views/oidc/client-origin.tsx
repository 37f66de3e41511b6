import { Badge } from '../layout/badge.tsx'
import { Name } from '../layout/name.tsx'
import { usePage } from '../page-context.ts'

export interface ShownClient {
  name: string
  /** shown only when it is a path on this origin or inline data */
  logoUri?: string | undefined
  verified: boolean
  organization?: string | undefined
  /** the host of the document that its client_id is the address of */
  describedAt?: string | undefined
}

/** Whose application this is, and whether somebody here knows that. */
export function ClientOrigin({ client }: { client: ShownClient }) {
  const words = usePage().messages.consent
  return (
    <>
      {client.organization ? (
        <>{words.organization(<Name key="organization">{client.organization}</Name>)} </>
      ) : null}
      {client.describedAt ? <>{words.describedAt(<Name key="host">{client.describedAt}</Name>)} </> : null}
      {client.verified ? (
        <Badge tone="success">{words.verified}</Badge>
      ) : (
        <Badge tone="warning">{words.unverified}</Badge>
      )}
    </>
  )
}
