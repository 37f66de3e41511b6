/** A person at a page as the one who does something: the same functions judge it that judge a caller of the JSON API. */
import type { SignedIn } from '../accounts/signed-in.ts'
import type { Db } from '../db/connect.ts'
import { type Context, type Source, sourceOf } from '../http/context.ts'
import { accountScopes } from '../resources/permission.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Identity } from './kind.ts'

export interface PageActor {
  readonly identity: Identity
  readonly source: Source
}

export interface PageActorDeps {
  readonly db: Db
  readonly resources: Pick<ResourceDirectory, 'find'>
  /** The identifier of our own API as a resource. */
  readonly ownResource: string
}

/** The identity of the browser session, with all that its account may do at our own API now. */
export function createPageActor({ db, resources, ownResource }: PageActorDeps) {
  return async (ctx: Context, { account, session }: SignedIn): Promise<PageActor> => {
    const resource = await resources.find(ownResource)
    const scopes = resource ? [...(await accountScopes(db, account.id, resource))] : []
    const identity: Identity = {
      kind: 'session',
      credentialId: session.uid,
      subject: { type: 'account', id: account.id },
      resource: ownResource,
      scopes,
      issuedAt: session.signedInAt,
      ...(session.acr !== undefined && { acr: session.acr }),
    }
    return { identity, source: sourceOf(ctx) }
  }
}
