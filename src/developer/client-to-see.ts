/** The client of a page's address, for a person who may see it. */
import { paths } from '../../views/layout/paths.ts'
import { type PageContext, parameter } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import { findShownClient, type ShownClient } from '../clients/client-list.ts'
import { notFound } from '../http/problem.ts'
import { checkReach, isAllowed } from './ownership.ts'
import { type DeveloperPagesDeps, type Visitor, visits } from './page-deps.ts'

export interface OpenClient extends Visitor {
  readonly client: ShownClient
  readonly canChange: boolean
}

export function opensClients(deps: DeveloperPagesDeps) {
  const visit = visits(deps)

  /** @throws Problem 404: there is none, or the person has no part in its organization */
  async function open(ctx: PageContext, person: SignedIn): Promise<OpenClient> {
    const visitor = await visit(ctx, person)
    const client = await findShownClient(deps.db, parameter(ctx, 'client_id'))
    checkReach(visitor.reach, client?.organizationId, 'viewer')
    if (!client) throw notFound()
    return { ...visitor, client, canChange: isAllowed(visitor.reach, client.organizationId, 'developer') }
  }

  /** @throws Problem 404, 403 when the person only looks on there */
  async function openToChange(ctx: PageContext, person: SignedIn): Promise<OpenClient> {
    const opened = await open(ctx, person)
    checkReach(opened.reach, opened.client.organizationId, 'developer')
    return opened
  }

  const addressOf = (ctx: PageContext) =>
    `${paths.clients}/${encodeURIComponent(parameter(ctx, 'client_id'))}`

  return { open, openToChange, addressOf }
}
