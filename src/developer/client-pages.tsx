/** `/clients`: the clients of the person's organizations, registering one, and what happens to it later. */
import type { Router } from '@koa/router'
import { ChooseKindPage } from '../../views/developer/choose-kind-page.tsx'
import type { ClientValues } from '../../views/developer/client-form.tsx'
import { ClientListPage } from '../../views/developer/client-list-page.tsx'
import { ClientPage } from '../../views/developer/client-page.tsx'
import { EditClientPage } from '../../views/developer/edit-client-page.tsx'
import { DeleteClientPage, DisableClientPage } from '../../views/developer/end-client-pages.tsx'
import { NewClientPage } from '../../views/developer/new-client-page.tsx'
import { RegisteredPage } from '../../views/developer/registered-page.tsx'
import { paths } from '../../views/layout/paths.ts'
import { en } from '../../views/messages/en.ts'
import { type PageContext, personRoutes, queryOf, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import { listClientsOf } from '../clients/client-list.ts'
import { ASSERTION_ALGS } from '../clients/client-schema.ts'
import type { State } from '../http/context.ts'
import type { FormErrors } from '../http/form-errors.ts'
import { withoutPrivateKeys } from '../http/private-keys.ts'
import { invalidRequest } from '../http/problem.ts'
import { offeredMethods } from '../oidc/mutual-tls-offer.ts'
import { SIGNING_ALGS, USUAL_SIGNING_ALG } from '../secrets/signing-alg.ts'
import { APPLICATION_KINDS, type ApplicationKind, applicationKindOf } from './application-kind.ts'
import { clientChangesOf, clientErrorsOf, newClientOf, typedClient, valuesOf } from './client-form.ts'
import { opensClients } from './client-to-see.ts'
import { clientOnPage } from './client-view.ts'
import { isAllowed, organizationsOf } from './ownership.ts'
import {
  checkCanCreate,
  type DeveloperPagesDeps,
  organizationChoices,
  organizationField,
  organizationNames,
  visits,
} from './page-deps.ts'
import { changeClient, registerClient, removeClient } from './register-client.ts'
import { scopeChoices } from './scope-choices.ts'
import { mayEnable } from './shut-client.ts'
import { snippetOf } from './snippet.ts'

const ONE = `${paths.clients}/:client_id`
const PAGE_LENGTH = 50

const NOTHING: ClientValues = {
  client_name: '',
  organization: '',
  redirect_uris: '',
  post_logout_redirect_uris: '',
  scope: [],
  introspect: [],
  token_exchange: false,
  token_endpoint_auth_method: 'client_secret_basic',
  token_endpoint_auth_signing_alg: '',
  jwks: '',
  jwks_uri: '',
  certificates: '',
  certificate_name: 'tls_client_auth_san_dns',
  certificate_value: '',
  require_pushed_authorization_requests: false,
  dpop_bound_access_tokens: false,
  tls_client_certificate_bound_access_tokens: false,
  backchannel_logout_uri: '',
  backchannel_logout_session_required: false,
  id_token_signed_response_alg: USUAL_SIGNING_ALG,
}

const ALGS = { assertion: ASSERTION_ALGS, idToken: SIGNING_ALGS }

export function mountClientPages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { db, config, resources, pages } = deps
  const { show, act, end } = personRoutes(router, deps)
  const visit = visits(deps)
  const certificateMethods = offeredMethods(config)
  const { open, openToChange, addressOf } = opensClients(deps)

  show(paths.clients, async (ctx, person) => {
    const { reach, canCreate, homeless } = await visit(ctx, person)
    const cursor = queryOf(ctx, 'cursor')
    const found = await listClientsOf(db, organizationsOf(reach), { limit: PAGE_LENGTH, cursor })
    const names = await organizationNames(
      db,
      found.data.map(client => client.organizationId),
    )
    const next = found.nextCursor
    const page = (
      <ClientListPage
        clients={found.data.map(client => clientOnPage(client, names, []))}
        canCreate={canCreate}
        homeless={homeless}
        older={next ? `${paths.clients}?${new URLSearchParams({ cursor: next })}` : undefined}
        later={cursor !== undefined}
      />
    )
    pages.render(ctx, page, { account: person.account })
  })

  async function showNew(
    ctx: PageContext,
    person: SignedIn,
    kind: ApplicationKind,
    values: ClientValues,
    errors: FormErrors = {},
  ) {
    const visitor = await visit(ctx, person)
    checkCanCreate(visitor)
    const { actor, reach } = visitor
    const organizations = await organizationChoices(db, reach)
    const choices = await scopeChoices(deps, {
      actor,
      reach,
      organizations: organizations.map(({ id }) => id),
    })
    const page = (
      <NewClientPage
        kind={kind}
        values={withoutPrivateKeys(values)}
        errors={errors}
        organizations={organizationField(reach, organizations, en.clients.noOne)}
        algs={ALGS}
        certificateMethods={certificateMethods}
        {...choices}
      />
    )
    pages.render(ctx, page, { account: person.account, status: statusOf(errors) })
  }

  show(`${paths.clients}/new`, async (ctx, person) => {
    const kind = kindOf(queryOf(ctx, 'kind'))
    if (kind) return showNew(ctx, person, kind, NOTHING)
    checkCanCreate(await visit(ctx, person))
    pages.render(ctx, <ChooseKindPage />, { account: person.account })
  })

  act(
    paths.clients,
    () => `${paths.clients}/new`,
    async (ctx, posted) => {
      const kind = kindOf(posted.form.get('application_kind'))
      if (!kind) throw invalidRequest('Choose what kind of application it is.')
      const values = typedClient(posted.form)
      const visitor = await visit(ctx, posted)
      checkCanCreate(visitor)
      try {
        const { client, secret } = await registerClient(deps, visitor.actor, newClientOf(posted.form, kind))
        const page = (
          <RegisteredPage
            clientId={client.clientId}
            name={client.clientName}
            kind={kind}
            secret={secret}
            snippet={snippetOf({ issuer: config.issuer, client, secret })}
          />
        )
        pages.render(ctx, page, { account: posted.account, status: 201 })
      } catch (error) {
        await showNew(ctx, posted, kind, values, clientErrorsOf(error, values))
      }
    },
  )

  show(ONE, async (ctx, person) => {
    const { client, canChange, reach } = await open(ctx, person)
    const canRevoke = isAllowed(reach, client.organizationId, 'owner')
    const names = await organizationNames(db, [client.organizationId])
    const shown = clientOnPage(client, names, await resources.list())
    const can = { canChange, canRevoke, canEnable: mayEnable(reach, client) }
    pages.render(ctx, <ClientPage client={shown} {...can} />, { account: person.account })
  })

  async function showEdit(
    ctx: PageContext,
    person: SignedIn,
    typed?: { values: ClientValues; errors: FormErrors },
  ) {
    const { client, actor, reach } = await openToChange(ctx, person)
    const { organizationId } = client
    const choices = await scopeChoices(deps, {
      actor,
      reach,
      organizations: [organizationId],
      present: client,
    })
    const page = (
      <EditClientPage
        client={{ clientId: client.clientId, name: client.clientName }}
        kind={applicationKindOf(client)}
        values={typed ? withoutPrivateKeys(typed.values) : valuesOf(client)}
        errors={typed?.errors ?? {}}
        algs={ALGS}
        certificateMethods={certificateMethods}
        {...choices}
      />
    )
    pages.render(ctx, page, { account: person.account, status: statusOf(typed?.errors ?? {}) })
  }

  show(`${ONE}/edit`, (ctx, person) => showEdit(ctx, person))

  act(
    `${ONE}/edit`,
    ctx => `${addressOf(ctx)}/edit`,
    async (ctx, posted) => {
      const { client, actor } = await openToChange(ctx, posted)
      const values = typedClient(posted.form)
      try {
        const changes = clientChangesOf(posted.form, client)
        await changeClient(deps, actor, client.clientId, changes)
        seeOther(ctx, addressOf(ctx))
      } catch (error) {
        await showEdit(ctx, posted, { values, errors: clientErrorsOf(error, values) })
      }
    },
  )

  const named = async (ctx: PageContext, person: SignedIn) => {
    const { clientId, clientName: name } = (await openToChange(ctx, person)).client
    return { clientId, name }
  }

  show(`${ONE}/disable`, async (ctx, person) => {
    const client = await named(ctx, person)
    pages.render(ctx, <DisableClientPage client={client} />, { account: person.account })
  })

  end(
    `${ONE}/disable`,
    ctx => `${addressOf(ctx)}/disable`,
    openToChange,
    async (ctx, posted) => {
      const { client, actor } = await openToChange(ctx, posted)
      await changeClient(deps, actor, client.clientId, { disabled: true })
      seeOther(ctx, addressOf(ctx))
    },
  )

  act(`${ONE}/enable`, addressOf, async (ctx, posted) => {
    const { client, actor } = await openToChange(ctx, posted)
    await changeClient(deps, actor, client.clientId, { disabled: false })
    seeOther(ctx, addressOf(ctx))
  })

  show(`${ONE}/delete`, async (ctx, person) => {
    const client = await named(ctx, person)
    pages.render(ctx, <DeleteClientPage client={client} />, { account: person.account })
  })

  end(
    `${ONE}/delete`,
    ctx => `${addressOf(ctx)}/delete`,
    openToChange,
    async (ctx, posted) => {
      const { client, actor } = await openToChange(ctx, posted)
      await removeClient(deps, actor, client.clientId)
      seeOther(ctx, paths.clients)
    },
  )
}

const kindOf = (text: string | undefined) => APPLICATION_KINDS.find(kind => kind === text)

const statusOf = (errors: FormErrors) => (Object.keys(errors).length > 0 ? 422 : 200)
