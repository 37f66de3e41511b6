/**
 * Whether a credential that was recognised is good for what is wanted, in this order: status, not-before,
 * expiry → owner → environment and audience → address → binding → scopes → rate limit last. For every kind that has a row
 * with these restrictions: API keys and personal access tokens (verify-minted.ts), signing secrets and client certificates
 * (verify-client-credential.ts). It reads from directories only and writes nothing but that a proof is spent.
 */
import type { Config } from '../config.ts'
import type { AddressRange } from '../http/address-range.ts'
import { isInRanges } from '../http/address-range.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { bindingOf, isProved } from './check-wanted.ts'
import type { Checks } from './checks.ts'
import type { Warning } from './credential-headers.ts'
import type { Dpop, ShownProof } from './dpop.ts'
import type { Confirmation, Identity, Wanted } from './kind.ts'
import { type RateLimit, statusOf } from './minted-token.ts'
import { type CredentialOwner, ownedScopes, subjectOf } from './owned-scopes.ts'
import type { RateLimits, RateState, SliceCounts } from './rate-limit.ts'
import type { Refusals } from './refusals.ts'

/** What a row says that restricts its credential. */
export interface RestrictedRow {
  readonly id: string
  readonly env: string
  readonly created_at: Date
  readonly not_before: Date | null
  readonly expires_at: Date | null
  readonly quarantined_at: Date | null
  readonly revoked_at: Date | null
}

/** A credential that was recognised, ready to be judged. */
export interface Found {
  readonly record: {
    readonly row: RestrictedRow
    readonly cnf: Confirmation | null
    /** Scope names by resource, as they were given. */
    readonly scopes: ReadonlyMap<string, readonly string[]>
    readonly ranges: readonly AddressRange[] | null
    readonly rateLimit: RateLimit | null
    readonly sliceCounts: SliceCounts | undefined
  }
  /** Undefined: it is gone. */
  readonly owner: CredentialOwner | undefined
  /** The database's time. */
  readonly now: Date
}

export interface Circumstances {
  /** Of its identity. */
  readonly kind: string
  /**
   * RFC 7662: who introspects has the request and checks the binding itself (`cnf` is in the identity), and the rate limit
   * is not its affair. An address list fails closed, because nobody says the address.
   */
  readonly introspection?: boolean
  /** A good proof for this request: it is spent when nothing else is refused. */
  readonly proof?: ShownProof | undefined
  /** What else must be done once, when everything was found good. @throws Problem 401 */
  readonly spend?: () => Promise<void>
  readonly warnings?: readonly Warning[]
}

export interface JudgeDeps {
  readonly config: Pick<Config, 'environments'>
  readonly resources: ResourceDirectory
  readonly revocations: Pick<Revocations, 'isRevoked'>
  readonly rateLimits: Pick<RateLimits, 'take' | 'look'>
  readonly dpop: Dpop
  readonly refusals: Refusals
}

/**
 * @param checks those of this verification so far: these are the last of it
 * @throws Problem 401, 403, 429
 */
export type Judge = (
  found: Found,
  wanted: Wanted,
  circumstances: Circumstances,
  checks: Checks,
) => Promise<Identity>

const EXPIRES_SOON_MS = 7 * 86_400_000

/** What is left of the scopes of a credential. */
interface Reach {
  readonly resource: string | null
  readonly scopes: readonly string[]
  /** Of all its resources; absent when one was wanted and something is left there. */
  readonly access?: ReadonlyMap<string, readonly string[]>
}

export function createJudge(deps: JudgeDeps): Judge {
  const { config, resources, revocations, rateLimits, dpop, refusals } = deps

  async function reachOf({ record, owner }: Found, wanted: string | undefined): Promise<Reach> {
    const leftAt = async (identifier: string) =>
      ownedScopes(record.scopes.get(identifier), owner, await resources.find(identifier))
    const scopes = wanted === undefined ? [] : await leftAt(wanted)
    if (wanted !== undefined && scopes.length > 0) return { resource: wanted, scopes }
    const access = new Map<string, readonly string[]>()
    for (const identifier of record.scopes.keys()) {
      const left = await leftAt(identifier)
      if (left.length > 0) access.set(identifier, left)
    }
    const [[usual, left] = [null, []]] = access
    return wanted === undefined
      ? { resource: usual, scopes: left, access }
      : { resource: wanted, scopes, access }
  }

  async function isOwnerEnded({ record, owner }: Found): Promise<boolean> {
    if (!owner || (owner.type === 'client' ? owner.client.disabled : owner.account.disabled)) return true
    const { type, id } = subjectOf(owner)
    return await revocations.isRevoked([
      { kind: 'credential', id: record.row.id },
      { kind: type, id },
    ])
  }

  /** That it is alive. */
  function checkLife({ record: { row }, now }: Found, checks: Checks): void {
    const need = (name: string, passed: boolean, reason: string, detail: () => string) =>
      checks.need(name, passed, detail, () => refusals.invalidCredential(reason))
    const status = statusOf(row)
    need('status', status === 'active', status, () => `it is ${status}`)
    need('not_before', row.not_before === null || row.not_before <= now, 'not yet valid', () =>
      row.not_before === null ? 'it has no beginning' : `it is valid from ${row.not_before.toISOString()}`,
    )
    need('expiry', row.expires_at === null || row.expires_at > now, 'expired', () =>
      row.expires_at === null ? 'it does not expire' : `it expires at ${row.expires_at.toISOString()}`,
    )
  }

  async function checkOwner(found: Found, { access }: Reach, checks: Checks): Promise<void> {
    const isEnded = await isOwnerEnded(found)
    const isEmpty = access?.size === 0
    checks.need(
      'owner',
      !isEnded && !isEmpty,
      () => (isEnded ? 'it is disabled or gone' : isEmpty ? 'it has none of the scopes now' : 'it is active'),
      () => refusals.invalidCredential('its owner is disabled or gone, or has none of its scopes now'),
    )
  }

  /** That it is good for this, from there. */
  async function checkUse(
    { record }: Found,
    { resource, scopes }: Reach,
    wanted: Wanted,
    { introspection, proof }: Circumstances,
    checks: Checks,
  ): Promise<void> {
    const { row, cnf, ranges } = record
    const env = wanted.resource === undefined ? null : ((await resources.find(wanted.resource))?.env ?? null)
    const isItsEnv = [wanted.env ?? row.env, env ?? row.env].every(one => one === row.env)
    checks.need(
      'environment',
      isItsEnv && config.environments.includes(row.env),
      () => `it is for ${row.env}`,
      refusals.wrongEnvironment,
    )
    const own = resource === null ? [] : record.scopes.get(resource)
    checks.need(
      'audience',
      own !== undefined,
      // What else it is for is not the affair of whoever asks about this.
      () => (resource === null || own === undefined ? 'it is for something else' : `it is for ${resource}`),
      refusals.wrongAudience,
    )
    checks.need(
      'address',
      ranges === null || isInRanges(ranges, wanted.address),
      () =>
        ranges === null
          ? 'it may be used from anywhere'
          : `it may be used from ${ranges.map(({ text }) => text).join(', ')}; this is ${wanted.address || 'not known'}`,
      refusals.addressNotAllowed,
    )
    checks.need(
      'binding',
      introspection === true || isProved(cnf ?? {}, wanted.evidence, proof),
      () => bindingOf(cnf ?? {}),
      () => refusals.invalidCredential('bound to a key that was not shown'),
    )
    const needed = wanted.scopes ?? []
    checks.need(
      'scopes',
      scopes.length > 0 && needed.every(scope => scopes.includes(scope)),
      () => `now it has: ${scopes.join(' ') || 'none'}`,
      () => refusals.insufficientScope(needed.length > 0 ? needed : (own ?? [])),
    )
  }

  /** Last, so that nothing else that is refused is counted. */
  function checkRate({ record, now }: Found, { explain }: Wanted, checks: Checks): RateState | undefined {
    const { row, rateLimit, sliceCounts } = record
    const count = explain ? rateLimits.look : rateLimits.take
    const rate = rateLimit ? count(row.id, rateLimit, now, sliceCounts) : undefined
    checks.need(
      'rate_limit',
      rate?.allowed !== false,
      () =>
        rate
          ? `${rate.remaining} of ${rate.limit.requests} in ${rate.limit.seconds} s are left`
          : 'it has none',
      () => refusals.rateLimited(rate),
    )
    return rate
  }

  /** What could not pass anyway is not remembered either: the memory is everybody's. It may be sent again later. */
  function refuseUsedUp({ record: { row, rateLimit, sliceCounts }, now }: Found, { explain }: Wanted): void {
    if (!rateLimit || explain) return
    const rate = rateLimits.look(row.id, rateLimit, now, sliceCounts)
    if (!rate.allowed) throw refusals.rateLimited(rate)
  }

  return async (found, wanted, circumstances, checks) => {
    const { introspection, proof, spend } = circumstances
    checkLife(found, checks)
    const reach = await reachOf(found, wanted.resource)
    await checkOwner(found, reach, checks)
    await checkUse(found, reach, wanted, circumstances, checks)
    if (proof) await dpop.spend(proof, wanted, checks)
    if (spend) {
      refuseUsedUp(found, wanted)
      await spend()
    }
    const rate = introspection ? undefined : checkRate(found, wanted, checks)
    checks.settle()
    return { ...identityOf(found, circumstances, reach, rate), ...(proof && dpop.newerNonce(proof)) }
  }
}

function identityOf(
  found: Found,
  { kind, warnings: told = [] }: Circumstances,
  reach: Reach,
  rate: RateState | undefined,
): Identity {
  const { record, owner, now } = found
  const { row, cnf } = record
  if (!owner) throw new Error('A credential without an owner was let in')
  const client = owner.type === 'client' ? owner.client : undefined
  const expiresSoon = row.expires_at && row.expires_at.getTime() - now.getTime() < EXPIRES_SOON_MS
  const warnings: Warning[] = [...told]
  if (row.expires_at && expiresSoon) warnings.push({ code: 'expires_soon', at: row.expires_at })
  return {
    kind,
    credentialId: row.id,
    subject: subjectOf(owner),
    ...(client && { clientId: client.clientId }),
    ...(client && client.organizationId !== null && { organization: client.organizationId }),
    ...reach,
    env: row.env,
    issuedAt: row.created_at,
    ...(row.expires_at && { expiresAt: row.expires_at }),
    ...(cnf && { cnf }),
    ...(warnings.length > 0 && { warnings }),
    ...(rate && { rate }),
  }
}
