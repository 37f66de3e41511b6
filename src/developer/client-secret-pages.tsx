/** `/clients/:client_id/secrets`: adding a secret, shown once, and retiring one. */
import type { Router } from '@koa/router'
import { RetireSecretPage } from '../../views/developer/end-client-pages.tsx'
import { NewSecretPage } from '../../views/developer/new-secret-page.tsx'
import { NewSecretShownPage } from '../../views/developer/new-secret-shown-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { type PageContext, parameter, personRoutes, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import type { State } from '../http/context.ts'
import { invalidRequest, notFound, Problem } from '../http/problem.ts'
import { applicationKindOf } from './application-kind.ts'
import { addClientSecret, revokeClientSecret } from './client-secrets.ts'
import { opensClients } from './client-to-see.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'
import { snippetOf } from './snippet.ts'

const SECRETS = `${paths.clients}/:client_id/secrets`
const RETIRE = `${SECRETS}/:secret_id/retire`
const DAY = 86_400
const SPANS = [30, 90, 180, 365].map(days => days * DAY)

export function mountClientSecretPages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { config, pages } = deps
  const { show, act, end } = personRoutes(router, deps)
  const { openToChange, addressOf } = opensClients(deps)

  show(`${SECRETS}/new`, async (ctx, person) => {
    const { client } = await openToChange(ctx, person)
    const page = <NewSecretPage clientId={client.clientId} spans={SPANS} />
    pages.render(ctx, page, { account: person.account })
  })

  act(
    SECRETS,
    ctx => `${addressOf(ctx)}/secrets/new`,
    async (ctx, posted) => {
      const { client, actor } = await openToChange(ctx, posted)
      const { clientId, clientName: name } = client
      const { account } = posted
      try {
        const sent = { expires_at: expiryOf(posted.form.get('expires_in')) }
        const { secret } = await addClientSecret(deps, actor, clientId, sent)
        const isService = applicationKindOf(client) === 'service'
        const example = isService ? snippetOf({ issuer: config.issuer, client, secret }) : undefined
        const page = <NewSecretShownPage client={{ clientId, name }} secret={secret} example={example} />
        pages.render(ctx, page, { account, status: 201 })
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 409) throw error
        const page = <NewSecretPage clientId={clientId} spans={SPANS} formError={error.message} />
        pages.render(ctx, page, { account, status: 409 })
      }
    },
  )

  async function openSecret(ctx: PageContext, person: SignedIn) {
    const opened = await openToChange(ctx, person)
    const secret = opened.client.shownSecrets.find(({ id }) => id === parameter(ctx, 'secret_id'))
    if (!secret) throw notFound('This secret has ended already.')
    return { ...opened, secret }
  }

  show(RETIRE, async (ctx, person) => {
    const { client, secret } = await openSecret(ctx, person)
    const page = (
      <RetireSecretPage
        client={{ clientId: client.clientId, name: client.clientName }}
        secret={{ ...secret, expiresAt: secret.expiresAt ?? undefined }}
        isLast={client.shownSecrets.length === 1}
      />
    )
    pages.render(ctx, page, { account: person.account })
  })

  end(RETIRE, addressOf, openSecret, async (ctx, posted) => {
    const { client, secret, actor } = await openSecret(ctx, posted)
    await revokeClientSecret(deps, actor, { clientId: client.clientId, secretId: secret.id })
    seeOther(ctx, addressOf(ctx))
  })
}

/** `expires_in`: seconds, or `never`. */
function expiryOf(choice: string | undefined): Date | null {
  if (choice === undefined || choice === 'never') return null
  if (/^\d{1,9}$/.test(choice)) return new Date(Date.now() + Number(choice) * 1000)
  throw invalidRequest('Choose when the secret expires.')
}
