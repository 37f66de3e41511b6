/** What a credential that belongs to somebody may do now: its own scopes, as far as its owner has them. */
import type { AccountStanding } from '../accounts/account-directory.ts'
import type { Client } from '../clients/client.ts'
import { clientScopes, scopesOfAccount } from '../resources/permission.ts'
import type { Resource } from '../resources/resource.ts'

export type CredentialOwner =
  | { readonly type: 'client'; readonly client: Client }
  | { readonly type: 'account'; readonly account: AccountStanding }

export function subjectOf(owner: CredentialOwner): {
  readonly type: 'client' | 'account'
  readonly id: string
} {
  return owner.type === 'client'
    ? { type: 'client', id: owner.client.clientId }
    : { type: 'account', id: owner.account.id }
}

type Scopes = ReadonlySet<string>

/** Owners and resources come from directories and never change: what one may do with the other is worked out once. */
const allowed = new WeakMap<object, WeakMap<Resource, Scopes>>()

function ownerScopes(owner: CredentialOwner, resource: Resource): Scopes {
  const subject = owner.type === 'client' ? owner.client : owner.account
  const ofSubject = allowed.get(subject) ?? new WeakMap<Resource, Scopes>()
  allowed.set(subject, ofSubject)
  const known = ofSubject.get(resource)
  if (known) return known
  const scopes =
    owner.type === 'client' ? clientScopes(owner.client, resource) : scopesOfAccount(owner.account, resource)
  ofSubject.set(resource, scopes)
  return scopes
}

export function ownedScopes(
  own: readonly string[] | undefined,
  owner: CredentialOwner | undefined,
  resource: Resource | undefined,
): readonly string[] {
  if (!own || !owner || !resource) return []
  const may = ownerScopes(owner, resource)
  return own.filter(scope => may.has(scope))
}
