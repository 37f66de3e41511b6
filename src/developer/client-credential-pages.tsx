/**
 * `/clients/:client_id/<kind>`: the pages that signing secrets and client certificates have in common with keys: a list, one
 * with its use, revoking. How one is made, and whether it can be rotated, is its kind's own.
 */
import type { Router } from '@koa/router'
import type { ComponentChildren } from 'preact'
import type { Minted, MintedFrame } from '../../views/credentials/minted.tsx'
import { MintedListPage } from '../../views/credentials/minted-list-page.tsx'
import { MintedPage } from '../../views/credentials/minted-page.tsx'
import { ReleasePage } from '../../views/credentials/release-page.tsx'
import { RevokePage } from '../../views/credentials/revoke-page.tsx'
import { clientPath } from '../../views/developer/client.ts'
import { paths } from '../../views/layout/paths.ts'
import type { ScopeGroup } from '../../views/layout/scope-list.tsx'
import { en } from '../../views/messages/en.ts'
import { type PageContext, parameter, personRoutes, queryOf, seeOther } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import {
  type ClientCredential,
  type ClientCredentialKind,
  findClientCredential,
  listClientCredentials,
} from '../credentials/client-credential.ts'
import { choosableScopes, usageByDay } from '../credentials/minted-view.ts'
import { usageOf } from '../credentials/usage.ts'
import type { State } from '../http/context.ts'
import { notFound } from '../http/problem.ts'
import { clientScopes } from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'
import { type OpenClient, opensClients } from './client-to-see.ts'
import { checkReach, isAllowed } from './ownership.ts'
import type { DeveloperPagesDeps } from './page-deps.ts'

export interface CredentialPlace {
  readonly kind: ClientCredentialKind
  readonly words: MintedFrame['words']
  /** The address of the list. */
  pathOf(clientId: string): string
  /** What an ended one is answered with. */
  readonly gone: string
  /** It has no secret that could be another one. */
  readonly isFixed?: boolean
  /** @param known all resources there are; `about` is what else there is to say of it */
  shown(credential: ClientCredential, known: readonly Resource[]): { item: Minted; about?: ComponentChildren }
}

export interface OpenCredential extends OpenClient {
  readonly credential: ClientCredential
  readonly item: Minted
}

const PAGE_LENGTH = 50
const USAGE_DAYS = 30

/** @returns what the kind's own pages go on with */
export function mountClientCredentialPages(
  router: Router<State>,
  deps: DeveloperPagesDeps,
  { kind, words, pathOf, gone, isFixed, shown }: CredentialPlace,
) {
  const { db, resources, clientCredentials, pages } = deps
  const { show, end } = personRoutes(router, deps)
  const { open, openToChange } = opensClients(deps)

  // What stands for the client in a route is not encoded.
  const list = pathOf(':client_id').replace('%3A', ':')
  const one = `${list}/:id`
  const listOf = (ctx: PageContext) => pathOf(parameter(ctx, 'client_id'))
  const itemOf = (ctx: PageContext) => `${listOf(ctx)}/${encodeURIComponent(parameter(ctx, 'id'))}`

  const frameOf = ({ client: { clientId, clientName } }: Pick<OpenClient, 'client'>): MintedFrame => ({
    words,
    current: 'clients',
    base: pathOf(clientId),
    trail: [
      { href: paths.clients, label: en.clients.title },
      { href: clientPath(clientId), label: clientName },
    ],
  })

  /** @throws Problem 404 for what is another client's */
  async function getCredential(ctx: PageContext, { client }: OpenClient): Promise<ClientCredential> {
    const found = await findClientCredential(db, parameter(ctx, 'id'))
    if (found?.kind !== kind || found.owner.id !== client.clientId) throw notFound()
    return found
  }

  /** @throws Problem 404 for what has been revoked, 403 when the person only looks on there */
  async function openItemToChange(ctx: PageContext, person: SignedIn): Promise<OpenCredential> {
    const opened = await openToChange(ctx, person)
    const credential = await getCredential(ctx, opened)
    if (credential.status === 'revoked') throw notFound(gone)
    return { ...opened, credential, item: shown(credential, await resources.list()).item }
  }

  /** @throws Problem 404 for what is not in quarantine, 403 unless the person owns the organization */
  async function openItemToRelease(ctx: PageContext, person: SignedIn): Promise<OpenCredential> {
    const opened = await openItemToChange(ctx, person)
    checkReach(opened.reach, opened.client.organizationId, 'owner')
    if (opened.credential.status !== 'quarantined') throw notFound('This is not in quarantine.')
    return opened
  }

  /** What may be given to one of this client. */
  async function choicesOf({ client }: OpenClient): Promise<ScopeGroup[]> {
    const all = await resources.list()
    return choosableScopes(all.map(resource => ({ resource, allowed: clientScopes(client, resource) })))
  }

  show(list, async (ctx, person) => {
    const opened = await open(ctx, person)
    const frame = frameOf(opened)
    const cursor = queryOf(ctx, 'cursor')
    const listed = { clientId: opened.client.clientId }
    const found = await listClientCredentials(db, kind, listed, { limit: PAGE_LENGTH, cursor })
    const known = await resources.list()
    const older = found.nextCursor && new URLSearchParams({ cursor: found.nextCursor })
    const page = (
      <MintedListPage
        frame={frame}
        items={found.data.map(credential => shown(credential, known).item)}
        canCreate={opened.canChange}
        older={older ? `${frame.base}?${older}` : undefined}
        later={cursor !== undefined}
      />
    )
    pages.render(ctx, page, { account: person.account })
  })

  /** After those of the kind: `new` is no id. */
  function mountItem(): void {
    show(one, async (ctx, person) => {
      const opened = await open(ctx, person)
      const credential = await getCredential(ctx, opened)
      const usage = await usageOf(db, credential.id, { days: USAGE_DAYS })
      const { item, about } = shown(credential, await resources.list())
      const page = (
        <MintedPage
          frame={frameOf(opened)}
          item={item}
          usage={usageByDay(usage, { days: USAGE_DAYS, now: new Date() })}
          canChange={opened.canChange}
          canRelease={isAllowed(opened.reach, opened.client.organizationId, 'owner')}
          isFixed={isFixed}
        >
          {about}
        </MintedPage>
      )
      pages.render(ctx, page, { account: person.account })
    })

    show(`${one}/release`, async (ctx, person) => {
      const opened = await openItemToRelease(ctx, person)
      const page = <ReleasePage frame={frameOf(opened)} item={opened.item} />
      pages.render(ctx, page, { account: person.account })
    })

    end(
      `${one}/release`,
      ctx => `${itemOf(ctx)}/release`,
      openItemToRelease,
      async (ctx, posted) => {
        const { actor, credential } = await openItemToRelease(ctx, posted)
        await clientCredentials.release(actor, credential.id)
        seeOther(ctx, itemOf(ctx))
      },
    )

    show(`${one}/revoke`, async (ctx, person) => {
      const opened = await openItemToChange(ctx, person)
      const page = <RevokePage frame={frameOf(opened)} item={opened.item} />
      pages.render(ctx, page, { account: person.account })
    })

    end(
      `${one}/revoke`,
      ctx => `${itemOf(ctx)}/revoke`,
      openItemToChange,
      async (ctx, posted) => {
        const { actor, credential } = await openItemToChange(ctx, posted)
        await clientCredentials.revoke(actor, credential.id)
        seeOther(ctx, itemOf(ctx))
      },
    )
  }

  return { list, one, listOf, itemOf, frameOf, openToChange, openItemToChange, choicesOf, mountItem }
}
