/** `/clients/:client_id/certificates`: the certificates that a client shows, on the pages that keys have. */
import type { Router } from '@koa/router'
import { AboutCertificate, type ShownCertificate } from '../../views/credentials/about-certificate.tsx'
import { type CertificateValues, NewCertificatePage } from '../../views/credentials/new-certificate-page.tsx'
import { certificatesPath } from '../../views/developer/client.ts'
import { type PageContext, personRoutes, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import {
  certificateErrorsOf,
  certificateFieldsOf,
  typedCertificate,
} from '../credentials/certificate-form.ts'
import { aboutCertificate } from '../credentials/client-certificate-json.ts'
import type { ClientCredential } from '../credentials/client-credential.ts'
import { mintedFieldsOf, untypedMinted } from '../credentials/minted-form.ts'
import { shownClientCredential } from '../credentials/minted-view.ts'
import { registerCertificate } from '../credentials/register-certificate.ts'
import { isPinned, registeredCertificate } from '../credentials/registered-certificate.ts'
import type { State } from '../http/context.ts'
import type { FormErrors } from '../http/form-errors.ts'
import { withoutPrivateKeys } from '../http/private-keys.ts'
import type { Resource } from '../resources/resource.ts'
import { mountClientCredentialPages } from './client-credential-pages.tsx'
import type { OpenClient } from './client-to-see.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'

export function mountCertificatePages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { config, pages } = deps
  const { show, act } = personRoutes(router, deps)
  const expiry = { usual: config.apiKeyLifetime, longest: config.apiKeyMaxLifetime }
  const { list, listOf, frameOf, openToChange, choicesOf, mountItem } = mountClientCredentialPages(
    router,
    deps,
    {
      kind: 'client-certificate',
      words: 'certificates',
      pathOf: certificatesPath,
      gone: 'This certificate has been revoked.',
      isFixed: true,
      shown,
    },
  )

  async function showForm(
    ctx: PageContext,
    { account }: SignedIn,
    opened: OpenClient,
    values: CertificateValues,
    { errors = {}, formError }: { errors?: FormErrors; formError?: string } = {},
  ) {
    const page = (
      <NewCertificatePage
        frame={frameOf(opened)}
        values={withoutPrivateKeys(values)}
        errors={errors}
        formError={formError}
        environments={[...config.environments]}
        expiry={expiry}
        groups={await choicesOf(opened)}
      />
    )
    const isRefused = formError !== undefined || Object.keys(errors).length > 0
    pages.render(ctx, page, { account, status: isRefused ? 422 : 200 })
  }

  show(`${list}/new`, async (ctx, person) => {
    await showForm(ctx, person, await openToChange(ctx, person), {
      ...untypedMinted(config.environments, expiry),
      certificate: '',
      ca: '',
      san_type: 'dns',
      san: '',
    })
  })

  act(list, listOf, async (ctx, posted) => {
    const opened = await openToChange(ctx, posted)
    const values = typedCertificate(posted.form)
    try {
      const owner = { type: 'client', id: opened.client.clientId } as const
      const fields = { ...mintedFieldsOf(values, expiry), owner }
      const { clientCertificate } = ctx.state
      const wanted = certificateFieldsOf(values)
      const made = await registerCertificate(deps, opened.actor, fields, wanted, clientCertificate)
      seeOther(ctx, `${listOf(ctx)}/${made.id}`)
    } catch (error) {
      await showForm(ctx, posted, opened, values, certificateErrorsOf(error, values))
    }
  })

  mountItem()
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
  return {
    item: shownClientCredential({ ...credential, expiresAt: ends }, masked, known),
    about: <AboutCertificate certificate={about} />,
  }
}
