/**
 * The pages of tokens that we mint: a list, a form for a new one, the page that shows it once, one with its use, rotating,
 * revoking. The same for a person's tokens (pages.tsx) and a client's keys (developer room): a place says whose they are
 * and who may change them. What may be made and how is decided by the functions behind the JSON API, not here.
 */
import type { Router } from '@koa/router'
import type { ExpiryRules } from '../../views/credentials/expiry-field.tsx'
import type { MintedFrame, MintedValues } from '../../views/credentials/minted.tsx'
import { MintedListPage } from '../../views/credentials/minted-list-page.tsx'
import { MintedPage } from '../../views/credentials/minted-page.tsx'
import { MintedSecretPage } from '../../views/credentials/minted-secret-page.tsx'
import { NewMintedPage } from '../../views/credentials/new-minted-page.tsx'
import { ReleasePage } from '../../views/credentials/release-page.tsx'
import { RevokePage } from '../../views/credentials/revoke-page.tsx'
import { RotatePage } from '../../views/credentials/rotate-page.tsx'
import type { ScopeGroup } from '../../views/layout/scope-list.tsx'
import {
  type PageContext,
  type PersonRoutesDeps,
  parameter,
  personRoutes,
  queryOf,
  seeOther,
} from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import type { Config } from '../config.ts'
import type { State } from '../http/context.ts'
import type { FormErrors } from '../http/form-errors.ts'
import type { Pages } from '../http/pages.ts'
import { withoutPrivateKeys } from '../http/private-keys.ts'
import { notFound, Problem } from '../http/problem.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import { mintedErrorsOf, mintedFieldsOf, typedMinted, untypedMinted } from './minted-form.ts'
import type { MintedTokens } from './minted-life-cycle.ts'
import {
  findMintedToken,
  listMintedTokens,
  type MintedKind,
  type MintedToken,
  type Owner,
} from './minted-token.ts'
import { shownMinted, usageByDay } from './minted-view.ts'
import { createPageActor, type PageActorDeps } from './page-actor.ts'
import { rotationOf, USUAL_GRACES } from './rotation-form.ts'
import { usageOf } from './usage.ts'

export interface MintedPagesDeps extends PersonRoutesDeps, PageActorDeps {
  readonly config: Pick<Config, 'issuer' | 'environments'>
  readonly resources: ResourceDirectory
  readonly minted: MintedTokens
  readonly pages: Pages
}

export interface MintedPlace {
  readonly kind: MintedKind
  /** The route of the list. */
  readonly route: string
  readonly expiry: ExpiryRules
  /** @throws Problem 404 when the person may not know of it */
  open(ctx: PageContext, person: SignedIn): Promise<OpenPlace>
}

export interface OpenPlace {
  readonly frame: MintedFrame
  readonly owner: Owner
  readonly canCreate: boolean
  /** @throws Problem 403 when the person only looks on here */
  checkMayChange(): void
  /** Out of quarantine. */
  readonly canRelease: boolean
  /** What may be given now. */
  choices(): Promise<ScopeGroup[]>
}

const PAGE_LENGTH = 50
const USAGE_DAYS = 30

export function mountMintedPages(router: Router<State>, deps: MintedPagesDeps, place: MintedPlace): void {
  const { db, config, resources, minted, pages } = deps
  const { kind, route, expiry, open } = place
  const actorAt = createPageActor(deps)
  const { show, act, end } = personRoutes(router, deps)

  const listOf = (ctx: PageContext) =>
    route.replace(/:(\w+)/g, (_, name) => encodeURIComponent(parameter(ctx, name)))
  const itemOf = (ctx: PageContext) => `${listOf(ctx)}/${encodeURIComponent(parameter(ctx, 'id'))}`

  /** @throws Problem 404 for what is another owner's */
  async function openItem(ctx: PageContext, person: SignedIn): Promise<OpenPlace & { token: MintedToken }> {
    const opened = await open(ctx, person)
    const token = await findMintedToken(db, parameter(ctx, 'id'))
    if (!token || token.kind !== kind || token.owner.id !== opened.owner.id) throw notFound()
    return { ...opened, token }
  }

  /** To change it: an ended one is over. */
  async function openToChange(ctx: PageContext, person: SignedIn) {
    const opened = await openItem(ctx, person)
    opened.checkMayChange()
    const item = shownMinted(opened.token, await resources.list())
    if (item.state === 'revoked')
      throw notFound(`This ${kind === 'api-key' ? 'key' : 'token'} has been revoked.`)
    return { ...opened, item }
  }

  show(route, async (ctx, person) => {
    const { frame, owner, canCreate } = await open(ctx, person)
    const cursor = queryOf(ctx, 'cursor')
    const found = await listMintedTokens(db, { kind, owner }, { limit: PAGE_LENGTH, cursor })
    const known = await resources.list()
    const page = (
      <MintedListPage
        frame={frame}
        items={found.data.map(token => shownMinted(token, known))}
        canCreate={canCreate}
        older={
          found.nextCursor ? `${frame.base}?${new URLSearchParams({ cursor: found.nextCursor })}` : undefined
        }
        later={cursor !== undefined}
      />
    )
    pages.render(ctx, page, { account: person.account })
  })

  async function showForm(
    ctx: PageContext,
    { account }: SignedIn,
    { frame, choices }: OpenPlace,
    values: MintedValues,
    errors: FormErrors = {},
  ) {
    const page = (
      <NewMintedPage
        frame={frame}
        values={withoutPrivateKeys(values)}
        errors={errors}
        environments={[...config.environments]}
        expiry={expiry}
        groups={await choices()}
      />
    )
    pages.render(ctx, page, { account, status: Object.keys(errors).length > 0 ? 422 : 200 })
  }

  show(`${route}/new`, async (ctx, person) => {
    const opened = await open(ctx, person)
    opened.checkMayChange()
    await showForm(ctx, person, opened, untypedMinted(config.environments, expiry))
  })

  act(route, listOf, async (ctx, posted) => {
    const opened = await open(ctx, posted)
    opened.checkMayChange()
    const { frame, owner } = opened
    const values = typedMinted(posted.form)
    try {
      const fields = { ...mintedFieldsOf(values, expiry), kind, owner }
      showSecret(ctx, posted, frame, await minted.create(await actorAt(ctx, posted), fields), 201)
    } catch (error) {
      await showForm(ctx, posted, opened, values, mintedErrorsOf(error, values))
    }
  })

  function showSecret(
    ctx: PageContext,
    { account }: SignedIn,
    frame: MintedFrame,
    made: { readonly token: MintedToken; readonly secret: string },
    status: 200 | 201,
  ) {
    const page = (
      <MintedSecretPage
        frame={frame}
        item={made.token}
        secret={made.secret}
        example={exampleOf(made, config.issuer)}
        rotated={status === 200}
      />
    )
    pages.render(ctx, page, { account, status })
  }

  show(`${route}/:id`, async (ctx, person) => {
    const { frame, canCreate, canRelease, token } = await openItem(ctx, person)
    const usage = await usageOf(db, token.id, { days: USAGE_DAYS })
    const page = (
      <MintedPage
        frame={frame}
        item={shownMinted(token, await resources.list())}
        usage={usageByDay(usage, { days: USAGE_DAYS, now: new Date() })}
        canChange={canCreate}
        canRelease={canRelease}
      />
    )
    pages.render(ctx, page, { account: person.account })
  })

  show(`${route}/:id/rotate`, async (ctx, person) => {
    const { frame, item } = await openToChange(ctx, person)
    const page = <RotatePage frame={frame} item={item} graces={USUAL_GRACES} />
    pages.render(ctx, page, { account: person.account })
  })

  end(
    `${route}/:id/rotate`,
    ctx => `${itemOf(ctx)}/rotate`,
    openToChange,
    async (ctx, posted) => {
      const { frame, token } = await openToChange(ctx, posted)
      const made = await minted.rotate(await actorAt(ctx, posted), token.id, rotationOf(posted.form))
      showSecret(ctx, posted, frame, made, 200)
    },
  )

  async function openToRelease(ctx: PageContext, person: SignedIn) {
    const opened = await openToChange(ctx, person)
    if (!opened.canRelease) throw releaseNeedsOwner()
    if (opened.item.state !== 'quarantined') throw notFound('This is not in quarantine.')
    return opened
  }

  show(`${route}/:id/release`, async (ctx, person) => {
    const { frame, item } = await openToRelease(ctx, person)
    pages.render(ctx, <ReleasePage frame={frame} item={item} />, { account: person.account })
  })

  end(
    `${route}/:id/release`,
    ctx => `${itemOf(ctx)}/release`,
    openToRelease,
    async (ctx, posted) => {
      const { token } = await openToRelease(ctx, posted)
      await minted.release(await actorAt(ctx, posted), token.id)
      seeOther(ctx, itemOf(ctx))
    },
  )

  show(`${route}/:id/revoke`, async (ctx, person) => {
    const { frame, item } = await openToChange(ctx, person)
    pages.render(ctx, <RevokePage frame={frame} item={item} />, { account: person.account })
  })

  end(
    `${route}/:id/revoke`,
    ctx => `${itemOf(ctx)}/revoke`,
    openToChange,
    async (ctx, posted) => {
      const { token } = await openToChange(ctx, posted)
      await minted.revoke(await actorAt(ctx, posted), token.id)
      seeOther(ctx, itemOf(ctx))
    },
  )
}

const releaseNeedsOwner = () =>
  new Problem(403, 'access_denied', 'Only owners of the organization let something out of quarantine.')

/** Undefined when a line of a shell cannot use it: curl makes no DPoP proofs. */
function exampleOf(
  { token: { cnf }, secret }: { readonly token: MintedToken; readonly secret: string },
  issuer: string,
): string | undefined {
  if (cnf?.jkt !== undefined) return undefined
  const certificate = cnf ? '--cert client.pem --key client-key.pem ' : ''
  return `curl ${certificate}-H 'Authorization: Bearer ${secret}' ${issuer}/v1/credentials/self`
}
