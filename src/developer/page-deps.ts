/** What the pages of this room need, and what each of them asks first: who is it, and where may they do something? */
import { listOrganizations, type ShownOrganization } from '../accounts/membership.ts'
import type { PageContext, PersonRoutesDeps } from '../accounts/person-routes.ts'
import type { SignedIn } from '../accounts/signed-in.ts'
import type { Config } from '../config.ts'
import type { ClientCredentials } from '../credentials/client-credential-life-cycle.ts'
import type { MintedTokens } from '../credentials/minted-life-cycle.ts'
import { createPageActor, type PageActor } from '../credentials/page-actor.ts'
import type { SigningSecrets } from '../credentials/signing-secrets.ts'
import type { Db } from '../db/connect.ts'
import type { Pages } from '../http/pages.ts'
import { Problem } from '../http/problem.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { EndMatching } from '../revocation/end-matching.ts'
import type { DeveloperDeps } from './change.ts'
import { findReach, isAllowed, type Reach } from './ownership.ts'

export interface DeveloperPagesDeps extends DeveloperDeps, PersonRoutesDeps {
  readonly config: DeveloperDeps['config'] &
    Pick<
      Config,
      'apiKeyLifetime' | 'apiKeyMaxLifetime' | 'tlsPort' | 'clientCertificateHeader' | 'tlsClientCa'
    >
  readonly resources: ResourceDirectory
  readonly minted: MintedTokens
  readonly clientCredentials: ClientCredentials
  readonly signingSecrets: SigningSecrets
  readonly endMatching: EndMatching
  readonly pages: Pages
}

export interface Visitor {
  readonly actor: PageActor
  readonly reach: Reach
  /** May register something somewhere. */
  readonly canCreate: boolean
  /** In no organization, and no administrator. */
  readonly homeless: boolean
}

/** Asked on every request: a role that was taken away is gone at once. */
export function visits(deps: DeveloperPagesDeps) {
  const actorAt = createPageActor(deps)
  return async (ctx: PageContext, person: SignedIn): Promise<Visitor> => {
    const actor = await actorAt(ctx, person)
    const reach = await findReach(deps.db, actor.identity)
    return {
      actor,
      reach,
      canCreate: reach.everywhere || organizationsToWrite(reach).length > 0,
      homeless: !reach.everywhere && reach.roles.size === 0,
    }
  }
}

/** @throws Problem 403 for who may register nothing anywhere */
export function checkCanCreate({ canCreate, homeless }: Visitor): void {
  if (canCreate) return
  const message = homeless
    ? 'This is for members of an organization. Ask an administrator to add you to yours.'
    : 'This needs the role developer in an organization.'
  throw new Problem(403, 'access_denied', message)
}

const organizationsToWrite = (reach: Reach) =>
  [...reach.roles.keys()].filter(id => isAllowed(reach, id, 'developer'))

const MOST_CHOICES = 100

/** Names of organizations by id. */
export async function organizationNames(
  db: Db,
  ids: readonly (string | null)[],
): Promise<ReadonlyMap<string, string>> {
  const wanted = [...new Set(ids.filter(id => id !== null))]
  if (wanted.length === 0) return new Map()
  const { data } = await listOrganizations(db, wanted, { limit: wanted.length })
  return new Map(data.map(({ id, name }) => [id, name]))
}

/** Where something new may go. One of them, and not an administrator's choice: there is nothing to ask. */
export async function organizationChoices(db: Db, reach: Reach): Promise<readonly ShownOrganization[]> {
  const ids = reach.everywhere ? 'all' : organizationsToWrite(reach)
  return (await listOrganizations(db, ids, { limit: MOST_CHOICES })).data
}

/** For a form: undefined when there is nothing to choose. '' stands for the operator. */
export function organizationField(
  reach: Reach,
  organizations: readonly ShownOrganization[],
  operator: string,
): { id: string; name: string }[] | undefined {
  if (!reach.everywhere && organizations.length <= 1) return undefined
  const all = organizations.map(({ id, name }) => ({ id, name }))
  return reach.everywhere ? [...all, { id: '', name: operator }] : all
}

/** What the field says, in the words of the JSON. */
export function organizationSent(typed: string | undefined): { organization?: string | null } {
  if (typed === undefined) return {}
  return { organization: typed === '' ? null : typed }
}
