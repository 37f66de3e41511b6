/** `/clients/:client_id/certificates`: the certificates that a client shows, on the pages that keys have. */
import type { Router } from '@koa/router'
import { AboutCertificate, type ShownCertificate } from '../../views/credentials/about-certificate.tsx'
import type { MintedFrame } from '../../views/credentials/minted.tsx'
import { MintedListPage } from '../../views/credentials/minted-list-page.tsx'
import { MintedPage } from '../../views/credentials/minted-page.tsx'
import { type CertificateValues, NewCertificatePage } from '../../views/credentials/new-certificate-page.tsx'
import { RevokePage } from '../../views/credentials/revoke-page.tsx'
import { certificatesPath, clientPath } from '../../views/developer/client.ts'
import { paths } from '../../views/layout/paths.ts'
import { en } from '../../views/messages/en.ts'
import { type PageContext, parameter, personRoutes, queryOf, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import {
  certificateErrorsOf,
  certificateFieldsOf,
  typedCertificate,
} from '../credentials/certificate-form.ts'
import { aboutCertificate } from '../credentials/client-certificate-json.ts'
import {
  type ClientCredential,
  findClientCredential,
  listClientCredentials,
} from '../credentials/client-credential.ts'
import { mintedFieldsOf } from '../credentials/minted-form.ts'
import { choosableScopes, shownClientCredential, usageByDay } from '../credentials/minted-view.ts'
import { registerCertificate } from '../credentials/register-certificate.ts'
import { isPinned, registeredCertificate } from '../credentials/registered-certificate.ts'
import { usageOf } from '../credentials/usage.ts'
import type { State } from '../http/context.ts'
import type { FormErrors } from '../http/form-errors.ts'
import { notFound } from '../http/problem.ts'
import { clientScopes } from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'
import { type OpenClient, opensClients } from './client-to-see.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'

const KIND = 'client-certificate'
const LIST = `${paths.clients}/:client_id/certificates`
const ONE = `${LIST}/:id`
const PAGE_LENGTH = 50
const USAGE_DAYS = 30

export function mountCertificatePages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { db, config, resources, clientCredentials, pages } = deps
  const { show, act, end } = personRoutes(router, deps)
  const { open, openToChange } = opensClients(deps)
  const expiry = { usual: config.apiKeyLifetime, longest: config.apiKeyMaxLifetime }

  const listOf = (ctx: PageContext) => certificatesPath(parameter(ctx, 'client_id'))
  const itemOf = (ctx: PageContext) => `${listOf(ctx)}/${encodeURIComponent(parameter(ctx, 'id'))}`

  /** @throws Problem 404 for what is another client's */
  async function getCertificate(ctx: PageContext, { client }: OpenClient): Promise<ClientCredential> {
    const found = await findClientCredential(db, parameter(ctx, 'id'))
    if (found?.kind !== KIND || found.owner.id !== client.clientId) throw notFound()
    return found
  }

  async function openItemToChange(ctx: PageContext, person: SignedIn) {
    const opened = await openToChange(ctx, person)
    const certificate = await getCertificate(ctx, opened)
    if (certificate.status === 'revoked') throw notFound('This certificate has been revoked.')
    return { ...opened, certificate }
  }

  show(LIST, async (ctx, person) => {
    const { client, canChange } = await open(ctx, person)
    const frame = frameOf(client)
    const cursor = queryOf(ctx, 'cursor')
    const listed = { clientId: client.clientId }
    const found = await listClientCredentials(db, KIND, listed, { limit: PAGE_LENGTH, cursor })
    const known = await resources.list()
    const older = found.nextCursor && new URLSearchParams({ cursor: found.nextCursor })
    const page = (
      <MintedListPage
        frame={frame}
        items={found.data.map(one => shown(one, known).item)}
        canCreate={canChange}
        older={older ? `${frame.base}?${older}` : undefined}
        later={cursor !== undefined}
      />
    )
    pages.render(ctx, page, { account: person.account })
  })

  async function showForm(
    ctx: PageContext,
    { account }: SignedIn,
    { client }: OpenClient,
    values: CertificateValues,
    { errors = {}, formError }: { errors?: FormErrors; formError?: string } = {},
  ) {
    const choices = (await resources.list()).map(resource => ({
      resource,
      allowed: clientScopes(client, resource),
    }))
    const page = (
      <NewCertificatePage
        frame={frameOf(client)}
        values={values}
        errors={errors}
        formError={formError}
        environments={[...config.environments]}
        expiry={expiry}
        groups={choosableScopes(choices)}
      />
    )
    const isRefused = formError !== undefined || Object.keys(errors).length > 0
    pages.render(ctx, page, { account, status: isRefused ? 422 : 200 })
  }

  show(`${LIST}/new`, async (ctx, person) => {
    await showForm(ctx, person, await openToChange(ctx, person), {
      name: '',
      description: '',
      env: config.environments[0] ?? '',
      scope: [],
      expires_in: expiry.usual === undefined ? 'never' : String(expiry.usual),
      expires_at: '',
      allowed_addresses: '',
      rate_limit_requests: '',
      rate_limit_seconds: '60',
      cnf_certificate: '',
      cnf_jkt: '',
      certificate: '',
      ca: '',
      san_type: 'dns',
      san: '',
    })
  })

  act(LIST, listOf, async (ctx, posted) => {
    const opened = await openToChange(ctx, posted)
    const values = typedCertificate(posted.form)
    try {
      const owner = { type: 'client', id: opened.client.clientId } as const
      const fields = { ...mintedFieldsOf(values, expiry), owner }
      const made = await registerCertificate(deps, opened.actor, fields, certificateFieldsOf(values))
      seeOther(ctx, `${listOf(ctx)}/${made.id}`)
    } catch (error) {
      await showForm(ctx, posted, opened, values, certificateErrorsOf(error, values))
    }
  })

  show(ONE, async (ctx, person) => {
    const opened = await open(ctx, person)
    const certificate = await getCertificate(ctx, opened)
    const usage = await usageOf(db, certificate.id, { days: USAGE_DAYS })
    const { item, about } = shown(certificate, await resources.list())
    const page = (
      <MintedPage
        frame={frameOf(opened.client)}
        item={item}
        usage={usageByDay(usage, { days: USAGE_DAYS, now: new Date() })}
        canChange={opened.canChange}
        isFixed
      >
        <AboutCertificate certificate={about} />
      </MintedPage>
    )
    pages.render(ctx, page, { account: person.account })
  })

  show(`${ONE}/revoke`, async (ctx, person) => {
    const { client, certificate } = await openItemToChange(ctx, person)
    const { item } = shown(certificate, await resources.list())
    pages.render(ctx, <RevokePage frame={frameOf(client)} item={item} />, { account: person.account })
  })

  end(
    `${ONE}/revoke`,
    ctx => `${itemOf(ctx)}/revoke`,
    openItemToChange,
    async (ctx, posted) => {
      const { actor, certificate } = await openItemToChange(ctx, posted)
      await clientCredentials.revoke(actor, certificate.id)
      seeOther(ctx, itemOf(ctx))
    },
  )
}

function frameOf({ clientId, clientName }: OpenClient['client']): MintedFrame {
  return {
    words: 'certificates',
    current: 'clients',
    base: certificatesPath(clientId),
    trail: [
      { href: paths.clients, label: en.clients.title },
      { href: clientPath(clientId), label: clientName },
    ],
  }
}

/** One that is pinned ends with the certificate at the latest. */
function shown(credential: ClientCredential, known: readonly Resource[]) {
  const registered = registeredCertificate.parse(credential.material)
  const pinned = isPinned(registered)
  const said = aboutCertificate(pinned ? registered.certificate : registered.ca)
  const { expiresAt } = credential
  const ends = !pinned || (expiresAt && expiresAt < said.notAfter) ? expiresAt : said.notAfter
  const masked = pinned
    ? `${said.thumbprint.slice(0, 12)}…`
    : `${registered.san.type}:${registered.san.value}`
  const about: ShownCertificate = {
    ...said,
    names: [...said.names],
    required: pinned ? undefined : registered.san,
  }
  return { item: shownClientCredential({ ...credential, expiresAt: ends }, masked, known), about }
}
