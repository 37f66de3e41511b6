/**
 * What an access token may do now, whoever asks: a door through its kind (access-token.ts), or a resource server through
 * introspection (oidc/stores/access-token-store.ts). One rule for JWTs and opaque tokens.
 */
import { type Account, findAccount } from '../accounts/account.ts'
import type { Client } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Db } from '../db/connect.ts'
import { accountScopes, effectiveScopes } from '../resources/permission.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Reference, Revocations } from '../revocation/revocation.ts'
import type { Need } from './checks.ts'
import type { Confirmation } from './kind.ts'

/** An access token as it was issued; neither expired nor forged. */
export interface IssuedToken {
  /** Public: the `jti` of a JWT; of an opaque token something that does not open anything. */
  readonly id: string
  readonly clientId: string
  /** Of a token that acts for a person. */
  readonly accountId?: string
  /** Of a token that comes from an authorization. */
  readonly grantId?: string
  /** Absent: it only opens /userinfo. */
  readonly audience?: string
  readonly scopes: readonly string[]
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly acr?: string
  readonly cnf?: Confirmation
}

export interface TokenNow {
  readonly client: Client
  readonly account?: Account
  readonly scopes: readonly string[]
}

export interface AsOfNowDeps {
  readonly db: Db
  readonly clients: ClientDirectory
  readonly resources: ResourceDirectory
  readonly revocations: Revocations
}

/** Everything whose end ends this token. */
function endsWith({ id, clientId, grantId, accountId, issuedAt }: IssuedToken): Reference[] {
  return [
    { kind: 'token', id },
    { kind: 'client', id: clientId },
    grantId === undefined ? { kind: 'issuance', id: clientId, issuedAt } : { kind: 'grant', id: grantId },
    ...(accountId === undefined ? [] : [{ kind: 'account' as const, id: accountId }]),
  ]
}

/**
 * The scopes that are left of it, and whose it is; undefined when it, its owner or all it could do is gone. Whether its
 * grant's browser session has run out is asked separately: the library does it for itself.
 * @param need makes every check; the default stops at the first that fails
 */
export async function asOfNow(
  deps: AsOfNowDeps,
  token: IssuedToken,
  need: Need = (_name, passed) => passed,
): Promise<TokenNow | undefined> {
  const { db, clients, resources, revocations } = deps
  const { clientId, accountId, audience } = token
  const revoked = await revocations.isRevoked(endsWith(token))
  if (!need('revocation', !revoked, () => 'it, its grant, its client and its account are looked up'))
    return undefined
  const client = await clients.find(clientId)
  const hasClient = client !== undefined && !client.disabled
  if (!need('client', hasClient, () => `its client is ${clientId}`) || !client) return undefined
  const account = accountId === undefined ? undefined : await findAccount(db, accountId)
  const hasAccount = accountId === undefined || (account !== undefined && !account.disabled)
  const whose = () => (accountId === undefined ? 'it acts for no account' : `its account is ${accountId}`)
  if (!need('account', hasAccount, whose)) return undefined
  const owner = { client, ...(account && { account }) }
  if (audience === undefined) return { ...owner, scopes: token.scopes }
  const resource = await resources.find(audience)
  if (!need('resource', resource !== undefined, () => `it was issued for ${audience}`) || !resource)
    return undefined
  const scopes = effectiveScopes({
    own: token.scopes,
    client,
    resource,
    account: account && (await accountScopes(db, account.id, resource)),
  })
  const isAnyLeft = token.scopes.length === 0 || scopes.length > 0
  if (
    !need('permission', isAnyLeft, () => `of ${token.scopes.join(' ')} it may now use: ${scopes.join(' ')}`)
  )
    return undefined
  return { ...owner, scopes }
}
