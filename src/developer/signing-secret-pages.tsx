/** `/clients/:client_id/signing-secrets`: what a client signs its requests with, on the pages that keys have. */
import type { Router } from '@koa/router'
import { AboutSigningSecret } from '../../views/credentials/about-signing-secret.tsx'
import { MintedSecretPage } from '../../views/credentials/minted-secret-page.tsx'
import {
  NewSigningSecretPage,
  type SigningSecretValues,
} from '../../views/credentials/new-signing-secret-page.tsx'
import { RotatePage } from '../../views/credentials/rotate-page.tsx'
import { signingSecretsPath } from '../../views/developer/client.ts'
import { type PageContext, personRoutes, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import type { ClientCredential } from '../credentials/client-credential.ts'
import { mintedErrorsOf, mintedFieldsOf, typedMinted, untypedMinted } from '../credentials/minted-form.ts'
import { shownClientCredential } from '../credentials/minted-view.ts'
import { givenPublicKey, newKeyOf } from '../credentials/public-key.ts'
import { rotationOf, USUAL_GRACES } from '../credentials/rotation-form.ts'
import { type StoredKey, signingMaterial } from '../credentials/signing-material.ts'
import type { MadeSigningSecret } from '../credentials/signing-secrets.ts'
import type { State } from '../http/context.ts'
import type { FormErrors } from '../http/form-errors.ts'
import type { Form } from '../http/forms.ts'
import { withoutPrivateKeys } from '../http/private-keys.ts'
import type { Resource } from '../resources/resource.ts'
import { mountClientCredentialPages, type OpenCredential } from './client-credential-pages.tsx'
import type { OpenClient } from './client-to-see.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'

export function mountSigningSecretPages(router: Router<State>, deps: DeveloperPagesDeps): void {
  const { config, pages, signingSecrets } = deps
  const { show, act, end } = personRoutes(router, deps)
  const expiry = { usual: config.apiKeyLifetime, longest: config.apiKeyMaxLifetime }
  const place = mountClientCredentialPages(router, deps, {
    kind: 'signing-secret',
    words: 'signingSecrets',
    pathOf: signingSecretsPath,
    gone: 'This signing secret has been revoked.',
    shown,
  })
  const { list, one, listOf, itemOf, frameOf, openToChange, openItemToChange, choicesOf } = place

  async function showForm(
    ctx: PageContext,
    { account }: SignedIn,
    opened: OpenClient,
    values: SigningSecretValues,
    errors: FormErrors = {},
  ) {
    const page = (
      <NewSigningSecretPage
        frame={frameOf(opened)}
        values={withoutPrivateKeys(values)}
        errors={errors}
        environments={[...config.environments]}
        expiry={expiry}
        groups={await choicesOf(opened)}
      />
    )
    pages.render(ctx, page, { account, status: Object.keys(errors).length > 0 ? 422 : 200 })
  }

  /** What was made, when it is to be seen this once; a public key is on the page of the item. */
  function showMade(
    ctx: PageContext,
    { account }: SignedIn,
    opened: OpenClient,
    { credential, secret }: MadeSigningSecret,
    status: 200 | 201,
  ): void {
    if (secret === undefined) {
      seeOther(ctx, `${listOf(ctx)}/${credential.id}`)
      return
    }
    const self = `${config.issuer}/v1/credentials/self`
    const page = (
      <MintedSecretPage
        frame={frameOf(opened)}
        item={credential}
        secret={secret}
        example={`KEY_ID=${credential.id} SECRET=${secret} node examples/signed-requests/node/request.mjs GET ${self}`}
        rotated={status === 200}
      />
    )
    pages.render(ctx, page, { account, status })
  }

  show(`${list}/new`, async (ctx, person) => {
    await showForm(ctx, person, await openToChange(ctx, person), {
      ...untypedMinted(config.environments, expiry),
      algorithm: 'hmac-sha256',
      public_key: '',
    })
  })

  act(list, listOf, async (ctx, posted) => {
    const opened = await openToChange(ctx, posted)
    const values = typed(posted.form)
    try {
      const owner = { type: 'client', id: opened.client.clientId } as const
      const key = newKeyOf(values.algorithm, keyIn(values.public_key))
      const fields = { ...mintedFieldsOf(values, expiry), owner }
      showMade(ctx, posted, opened, await signingSecrets.create(opened.actor, fields, key), 201)
    } catch (error) {
      await showForm(ctx, posted, opened, values, mintedErrorsOf(error, values))
    }
  })

  function showRotation(
    ctx: PageContext,
    { account }: SignedIn,
    opened: OpenCredential,
    publicKey = '',
    errors: FormErrors = {},
  ): void {
    const page = (
      <RotatePage
        frame={frameOf(opened)}
        item={opened.item}
        graces={USUAL_GRACES}
        publicKey={
          signingMaterial(opened.credential).algorithm === 'ed25519'
            ? { ...withoutPrivateKeys({ value: publicKey }), error: errors.public_key }
            : undefined
        }
      />
    )
    pages.render(ctx, page, { account, status: errors.public_key === undefined ? 200 : 422 })
  }

  show(`${one}/rotate`, async (ctx, person) => {
    showRotation(ctx, person, await openItemToChange(ctx, person))
  })

  end(
    `${one}/rotate`,
    ctx => `${itemOf(ctx)}/rotate`,
    openItemToChange,
    async (ctx, posted) => {
      const opened = await openItemToChange(ctx, posted)
      const typedKey = posted.form.get('public_key') ?? ''
      const rotation = rotationOf(posted.form)
      try {
        const x = givenPublicKey(keyIn(typedKey))
        const made = await signingSecrets.rotate(opened.actor, opened.credential.id, rotation, x)
        showMade(ctx, posted, opened, made, 200)
      } catch (error) {
        const errors = mintedErrorsOf(error, typed(posted.form))
        if (errors.public_key === undefined) throw error
        showRotation(ctx, posted, opened, typedKey, errors)
      }
    },
  )

  place.mountItem()
}

function typed(form: Form): SigningSecretValues {
  return {
    ...typedMinted(form),
    // It is itself the key: there is nothing to bind it to.
    cnf_certificate: '',
    cnf_jkt: '',
    algorithm: form.get('algorithm') === 'ed25519' ? 'ed25519' : 'hmac-sha256',
    public_key: form.get('public_key') ?? '',
  }
}

const keyIn = (text: string) => (text.trim() === '' ? undefined : text)

const nameOf = ({ last4, x }: StoredKey) => `…${last4 ?? x?.slice(-4) ?? ''}`

function shown(credential: ClientCredential, known: readonly Resource[]) {
  const { algorithm, current, pending, retired } = signingMaterial(credential)
  const now = Date.now()
  const [old] = retired.filter(({ until }) => new Date(until).getTime() > now)
  const retiring = old && { last4: nameOf(old).slice(1), until: new Date(old.until) }
  const pendingSince = pending ? new Date(pending.since) : undefined
  const item = shownClientCredential(credential, nameOf(current), known, { pendingSince, retiring })
  return {
    item,
    about: <AboutSigningSecret algorithm={algorithm} current={current.x} pending={pending?.x} />,
  }
}
