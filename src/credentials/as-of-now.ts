/**
 * What an access token may do now, whoever asks: a door through its kind (access-token.ts), or a resource server through
 * introspection (oidc/stores/access-token-store.ts). One rule for JWTs and opaque tokens.
 */
import { type Account, findAccount } from '../accounts/account.ts'
import type { Client } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../http/problem.ts'
import {
  accountScopes,
  clientScopes,
  clientScopesForPeople,
  effectiveScopes,
} from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Reference, Revocations } from '../revocation/revocation.ts'
import type { Need } from './checks.ts'
import { clientsBehind, type Exchanged, originOf } from './exchanged.ts'
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
  /** Of a token that was exchanged for another credential. */
  readonly exchanged?: Exchanged
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
export function endsWith(token: IssuedToken): Reference[] {
  const { id, clientId, grantId, accountId, issuedAt, exchanged } = token
  return [
    { kind: 'token', id },
    { kind: 'client', id: clientId },
    grantId === undefined ? { kind: 'issuance', id: clientId, issuedAt } : { kind: 'grant', id: grantId },
    ...(accountId === undefined ? [] : [{ kind: 'account' as const, id: accountId }]),
    ...(exchanged?.sources ?? []),
  ]
}

export type JudgeOrigin = (id: string, resource: string) => Promise<readonly string[] | Problem>

/** The clients whose tokens it came of. */
const findClients = (clients: ClientDirectory, { exchanged }: IssuedToken) =>
  Promise.all(clientsBehind(exchanged).map(id => clients.find(id)))

const ceilingOf = (client: Client, resource: Resource, account: Account | undefined) =>
  (account ? clientScopesForPeople : clientScopes)(client, resource)

/**
 * The scopes that are left of it, and whose it is; undefined when it, its owner or all it could do is gone. Whether its
 * grant's browser session has run out is asked separately: the library does it for itself.
 * @param need makes every check; the default stops at the first that fails
 * @param judgeOrigin of a token that came of an API key or personal token: what that may do there now, or its refusal
 */
export async function asOfNow(
  deps: AsOfNowDeps,
  token: IssuedToken,
  need: Need = (_name, passed) => passed,
  judgeOrigin?: JudgeOrigin,
): Promise<TokenNow | undefined> {
  const { db, clients, resources, revocations } = deps
  const { clientId, accountId, audience } = token
  const revoked = await revocations.isRevoked(endsWith(token))
  if (!need('revocation', !revoked, () => 'it, its grant, its client and its account are looked up'))
    return undefined
  const client = await clients.find(clientId)
  const hasClient = client !== undefined && !client.disabled
  if (!need('client', hasClient, () => `its client is ${clientId}`) || !client) return undefined
  const behind = await findClients(clients, token)
  const hasAll = behind.every(one => one !== undefined && !one.disabled)
  if (behind.length > 0 && !need('client', hasAll, () => 'it came of tokens of other clients'))
    return undefined
  const account = accountId === undefined ? undefined : await findAccount(db, accountId)
  const hasAccount = accountId === undefined || (account !== undefined && !account.disabled)
  const whose = () => (accountId === undefined ? 'it acts for no account' : `its account is ${accountId}`)
  if (!need('account', hasAccount, whose)) return undefined
  const owner = { client, ...(account && { account }) }
  if (audience === undefined) return { ...owner, scopes: token.scopes }
  const resource = await resources.find(audience)
  if (!need('resource', resource !== undefined, () => `it was issued for ${audience}`) || !resource)
    return undefined
  const ofOwners = effectiveScopes({
    own: token.scopes,
    client,
    resource,
    account: account && (await accountScopes(db, account.id, resource)),
  }).filter(scope => behind.every(one => one && ceilingOf(one, resource, account).has(scope)))
  const origin = judgeOrigin && originOf(token.exchanged)
  const ofOrigin = origin === undefined ? ofOwners : await judgeOrigin?.(origin, audience)
  const refusal = ofOrigin instanceof Problem ? ofOrigin : undefined
  const howSo = () => `it came of ${origin}`
  if (origin !== undefined && !need('origin', !refusal, howSo, refusal && (() => refusal))) return undefined
  const scopes = ofOwners.filter(scope => Array.isArray(ofOrigin) && ofOrigin.includes(scope))
  const isAnyLeft = token.scopes.length === 0 || scopes.length > 0
  if (
    !need('permission', isAnyLeft, () => `of ${token.scopes.join(' ')} it may now use: ${scopes.join(' ')}`)
  )
    return undefined
  return { ...owner, scopes }
}
