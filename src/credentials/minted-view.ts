/** Tokens and scopes as the pages show them. */
import type { Minted, MintedState } from '../../views/credentials/minted.tsx'
import type { UsageOfDay } from '../../views/credentials/usage-chart.tsx'
import type { ScopeGroup } from '../../views/layout/scope-list.tsx'
import { describeUserAgent } from '../accounts/user-agent.ts'
import type { Resource } from '../resources/resource.ts'
import type { ClientCredential } from './client-credential.ts'
import { FORMAT_OF_KIND, type MintedToken } from './minted-token.ts'

const USER_AGENT_LENGTH = 120

/** @param resources all there are, for the names of what it may do */
export function shownMinted(token: MintedToken, resources: readonly Resource[]): Minted {
  const { cnf } = token
  return {
    ...shownRestricted(token, resources),
    masked: masked(token),
    state: stateOf(token, new Date()),
    binding: cnf ? { certificate: cnf['x5t#S256'], dpop: cnf.jkt } : undefined,
    pendingSince: token.pendingSince ?? undefined,
    retiring: token.retiring ?? undefined,
    leak: token.leak ?? undefined,
  }
}

/** A client credential. @param masked how it is told from others */
export function shownClientCredential(
  credential: ClientCredential,
  masked: string,
  resources: readonly Resource[],
  rotation: Pick<Minted, 'pendingSince' | 'retiring'> = {},
): Minted {
  const state = stateOf({ ...credential, pendingSince: rotation.pendingSince ?? null }, new Date())
  return { ...shownRestricted(credential, resources), ...rotation, masked, state }
}

type Restricted = Pick<
  MintedToken,
  | 'id'
  | 'name'
  | 'description'
  | 'env'
  | 'scopes'
  | 'createdAt'
  | 'notBefore'
  | 'expiresAt'
  | 'revokedAt'
  | 'lastUsed'
  | 'allowedAddresses'
  | 'rateLimit'
>

/** What all of them have. */
function shownRestricted(token: Restricted, resources: readonly Resource[]) {
  const { lastUsed } = token
  return {
    id: token.id,
    name: token.name,
    description: token.description ?? undefined,
    env: token.env,
    scopes: givenScopes(token.scopes, resources),
    createdAt: token.createdAt,
    notBefore: token.notBefore ?? undefined,
    expiresAt: token.expiresAt ?? undefined,
    revokedAt: token.revokedAt ?? undefined,
    lastUsed: lastUsed
      ? {
          at: lastUsed.at,
          address: lastUsed.address ?? undefined,
          userAgent: describeUserAgent(lastUsed.userAgent) || lastUsed.userAgent?.slice(0, USER_AGENT_LENGTH),
        }
      : undefined,
    allowedAddresses: token.allowedAddresses ? [...token.allowedAddresses] : undefined,
    rateLimit: token.rateLimit ?? undefined,
  }
}

/** Enough to find it again in a file or a log, and nothing to guess from. */
function masked({ prefix, env, kind, last4 }: MintedToken): string {
  return prefix === '' ? `…${last4}` : `${prefix}_${env}_${FORMAT_OF_KIND[kind]}_…${last4}`
}

function stateOf(
  token: Pick<MintedToken, 'status' | 'expiresAt' | 'notBefore' | 'pendingSince'>,
  now: Date,
): MintedState {
  if (token.status !== 'active') return token.status
  if (token.expiresAt && token.expiresAt <= now) return 'expired'
  if (token.notBefore && token.notBefore > now) return 'notYet'
  return token.pendingSince ? 'pending' : 'active'
}

/** What was given, also where the resource or the scope is gone. */
export function givenScopes(
  scopes: ReadonlyMap<string, ReadonlySet<string>>,
  resources: readonly Resource[],
): ScopeGroup[] {
  const known = new Map(resources.map(resource => [resource.identifier, resource]))
  return [...scopes].map(([identifier, names]) => {
    const resource = known.get(identifier)
    return {
      title: resource?.name ?? identifier,
      resource: identifier,
      scopes: [...names].map(name => {
        const scope = resource?.scopes.get(name)
        return {
          value: name,
          label: scope?.description || name,
          description: scope?.description ? name : undefined,
          restricted: scope?.restricted,
        }
      }),
    }
  })
}

/**
 * What may be chosen, for a form: values are `<resource> <scope>`. Resources without any are left out; our own API comes last
 * and folded where there are others.
 */
export function choosableScopes(
  choices: readonly { readonly resource: Resource; readonly allowed: ReadonlySet<string> }[],
): ScopeGroup[] {
  const some = choices
    .map(({ resource, allowed }) => ({
      resource,
      scopes: [...resource.scopes].filter(([name]) => allowed.has(name)),
    }))
    .filter(({ scopes }) => scopes.length > 0)
    .sort((one, other) => Number(one.resource.builtIn) - Number(other.resource.builtIn))
  return some.map(({ resource, scopes }) => ({
    title: resource.name,
    resource: resource.identifier,
    folded: resource.builtIn && some.length > 1,
    scopes: scopes.map(([name, { description, restricted }]) => ({
      value: `${resource.identifier} ${name}`,
      label: description || name,
      description: description ? name : undefined,
      restricted,
    })),
  }))
}

const DAY = 86_400_000

/** Counts of hours or days as the last `days` days, oldest first, those without use included. UTC. */
export function usageByDay(
  counts: readonly { readonly at: Date; readonly outcome: 'success' | 'refused'; readonly count: number }[],
  { days, now }: { days: number; now: Date },
): UsageOfDay[] {
  const today = Math.floor(now.getTime() / DAY)
  const all = Array.from({ length: days }, (_, index) => ({
    day: new Date((today - days + 1 + index) * DAY),
    success: 0,
    refused: 0,
  }))
  for (const { at, outcome, count } of counts) {
    const of = all[Math.floor(at.getTime() / DAY) - (today - days + 1)]
    if (of) of[outcome] += count
  }
  return all
}
