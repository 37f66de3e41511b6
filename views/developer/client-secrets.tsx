import { Expiry } from '../credentials/minted-state.tsx'
import { ButtonLink } from '../layout/button.tsx'
import { Time } from '../layout/time.tsx'
import { usePage } from '../page-context.ts'
import { clientPath, type ShownClient, type ShownSecret } from './client.ts'

/** The secrets of a client that can keep one: when each was made, when it ends. */
export function ClientSecrets({ client, canChange }: { client: ShownClient; canChange: boolean }) {
  const words = usePage().messages.clients
  const { secrets } = client
  const here = `${clientPath(client.clientId)}/secrets`
  return (
    <section aria-labelledby="secrets">
      <div class="item-heading">
        <div class="section-heading">
          <h2 id="secrets">{words.secrets}</h2>
          {secrets ? <p class="hint">{words.secretsLead}</p> : null}
        </div>
        {secrets && canChange ? (
          <ButtonLink look="secondary" compact href={`${here}/new`}>
            {words.addSecret}
          </ButtonLink>
        ) : null}
      </div>
      {secrets && secrets.length > 0 ? (
        <ul class="card rows">
          {secrets.map(secret => (
            <Secret
              key={secret.id}
              secret={secret}
              retire={canChange ? `${here}/${encodeURIComponent(secret.id)}/retire` : undefined}
            />
          ))}
        </ul>
      ) : (
        <p class="card hint">{secrets ? words.noSecrets : words.publicNote}</p>
      )}
    </section>
  )
}

function Secret({ secret, retire }: { secret: ShownSecret; retire: string | undefined }) {
  const words = usePage().messages.clients
  return (
    <li>
      <span class="row-text">
        <code>…{secret.last4}</code>
        <span class="hint">
          {words.secretCreated} <Time value={secret.createdAt} />
        </span>
      </span>
      <span class="row-text">
        <span class="hint">{words.expires}</span>
        <Expiry expiresAt={secret.expiresAt} />
      </span>
      {retire ? (
        <ButtonLink look="secondary" compact href={retire}>
          {words.retire}
          <span class="visually-hidden">{words.retireWhich(<code key="last4">{secret.last4}</code>)}</span>
        </ButtonLink>
      ) : null}
    </li>
  )
}
