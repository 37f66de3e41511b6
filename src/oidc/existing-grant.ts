/**
 * The library asks whether this account has already allowed what this client asks for. If it has (or the operator said
 * that nobody need be asked), a new grant is made for this authorization; else nothing is, and the person is asked.
 */
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import type { Client } from '../clients/client.ts'
import { transaction } from '../db/transaction.ts'
import { Problem } from '../http/problem.ts'
import { type Access, askedAccess, intersect, isEmpty, permittedAccess, subtract } from './access.ts'
import { findConsent } from './consent.ts'
import type { OidcDeps } from './deps.ts'
import { createGrant } from './grant.ts'

export interface Question {
  /** Asked for by the client, within its ceiling. */
  readonly asked: Access
  /** What of it the account may have. */
  readonly permitted: Access
  /** What of that it has allowed before. */
  readonly allowed: Access
  /** What remains to be asked. */
  readonly open: Access
}

/** What there is to ask `accountId` about a request with these parameters. */
export async function consentQuestion(
  deps: OidcDeps,
  accountId: string,
  client: Client,
  params: { readonly scope?: unknown; readonly resource?: unknown },
): Promise<Question> {
  const asked = await askedAccess(deps, client, params)
  const permitted = await permittedAccess(deps, accountId, asked)
  const allowed = client.requireConsent
    ? intersect(permitted, await findConsent(deps.db, accountId, client.clientId))
    : permitted
  return { asked, permitted, allowed, open: subtract(permitted, allowed) }
}

/** Whether the client wants the person to be asked anew, whatever was allowed before. */
export function asksAgain(client: Client, prompt: unknown): boolean {
  return typeof prompt === 'string' && prompt.split(' ').includes('consent') && client.requireConsent
}

/**
 * @param mustSignIn whether the library will ask for a sign-in, whatever was allowed: then no grant is made yet. Throws
 * what is wrong with the request.
 */
export function createExistingGrantLoader(
  deps: OidcDeps,
  mustSignIn: (ctx: KoaContextWithOIDC) => Promise<boolean>,
) {
  return async (ctx: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const { oidc } = ctx
    const { Grant: GrantModel } = oidc.provider
    const answered = oidc.result?.consent?.grantId
    if (answered !== undefined) return GrantModel.find(answered)

    const client = oidc.client && (await deps.clients.find(oidc.client.clientId))
    const session = oidc.session
    if (!client || !session?.accountId || !oidc.params) return undefined
    if ((await mustSignIn(ctx)) || asksAgain(client, oidc.params.prompt)) return undefined
    // A native application cannot prove who it is: somebody must be asked each time (RFC 8252, section 8.6).
    if (client.applicationType === 'native') return undefined
    const { accountId, uid: sessionUid } = session
    const { asked, allowed, open } = await consentQuestion(deps, accountId, client, oidc.params)
    if (!isEmpty(open) || isEmpty(allowed)) return undefined
    const grant = { accountId, client, sessionUid, granted: allowed, rejected: subtract(asked, allowed) }
    const id = await transaction(deps.db, tx => createGrant(tx, deps, grant)).catch(unlessSignedOut)
    return id === undefined ? undefined : GrantModel.find(id)
  }
}

/** The session has ended while this request was under way: then nobody is signed in. */
function unlessSignedOut(error: unknown): undefined {
  if (!(error instanceof Problem) || error.status !== 409) throw error
}
