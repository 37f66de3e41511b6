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
import type { Ended, Revocations } from '../revocation/revocation.ts'
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
function endsWith({ id, clientId, grantId, accountId }: IssuedToken): Ended[] {
  return [
    { kind: 'token', id },
    { kind: 'client', id: clientId },
    ...(grantId === undefined ? [] : [{ kind: 'grant' as const, id: grantId }]),
    ...(accountId === undefined ? [] : [{ kind: 'account' as const, id: accountId }]),
  ]
}

/**
 * The scopes that are left of it, and whose it is; undefined when it, its owner or all it could do is gone. Whether its
 * grant's browser session has run out is asked separately: the library does it for itself.
 */
export async function asOfNow(deps: AsOfNowDeps, token: IssuedToken): Promise<TokenNow | undefined> {
  const { db, clients, resources, revocations } = deps
  if (await revocations.isRevoked(endsWith(token))) return undefined
  const client = await clients.find(token.clientId)
  if (!client || client.disabled) return undefined
  const account = token.accountId === undefined ? undefined : await findAccount(db, token.accountId)
  if (token.accountId !== undefined && (!account || account.disabled)) return undefined
  const owner = { client, ...(account && { account }) }
  if (token.audience === undefined) return { ...owner, scopes: token.scopes }
  const resource = await resources.find(token.audience)
  if (!resource) return undefined
  const scopes = effectiveScopes({
    own: token.scopes,
    client,
    resource,
    account: account && (await accountScopes(db, account.id, resource)),
  })
  if (token.scopes.length > 0 && scopes.length === 0) return undefined
  return { ...owner, scopes }
}
