/**
 * The one verification of API keys and personal access tokens, in the order of credentials.md: who it is
 * (minted-recognition.ts) → status, not-before, expiry → owner → environment and audience → address → binding → scopes →
 * rate limit. Warm it sends no query, cold exactly one. Nothing is written on the way but what a first use changes
 * (minted-uses.ts), and that the proof of a bound one is spent (dpop.ts).
 */
import type { Config } from '../config.ts'
import { isInRanges } from '../http/address-range.ts'
import { Problem } from '../http/problem.ts'
import type { ResourceDirectory } from '../resources/resource-directory.ts'
import type { Revocations } from '../revocation/revocation.ts'
import { bindingOf, isProved } from './check-wanted.ts'
import { type Checks, createChecks } from './checks.ts'
import type { Warning } from './credential-headers.ts'
import type { Dpop, ShownProof } from './dpop.ts'
import type { Identity, Wanted } from './kind.ts'
import type { FoundMinted } from './minted-directory.ts'
import { createRecognize, type RecognitionDeps, type Recognized } from './minted-recognition.ts'
import { mintedScopes } from './minted-scopes.ts'
import { ownership, statusOf } from './minted-token.ts'
import type { MintedUses } from './minted-uses.ts'
import type { RateLimits, RateState } from './rate-limit.ts'
import type { Refusals } from './refusals.ts'

export interface VerifyMintedDeps extends RecognitionDeps {
  readonly config: Pick<Config, 'tokenPrefixes' | 'environments'>
  readonly resources: ResourceDirectory
  readonly revocations: Pick<Revocations, 'isRevoked'>
  readonly rateLimits: Pick<RateLimits, 'take' | 'look'>
  readonly uses: MintedUses
  readonly dpop: Dpop
  readonly refusals: Refusals
}

export interface VerifyOptions {
  /**
   * RFC 7662: who introspects has the request and checks the binding itself (`cnf` is in the identity), and the rate limit
   * is not its affair. An address list fails closed, because nobody says the address.
   */
  readonly introspection?: boolean
}

/**
 * @param wanted with `explain` every check is told and nothing is counted, spent or written
 * @throws Problem 401, 403, 429
 */
export type VerifyMinted = (token: string, wanted: Wanted, options?: VerifyOptions) => Promise<Identity>

const EXPIRES_SOON_MS = 7 * 86_400_000

interface Circumstances extends VerifyOptions {
  readonly proof: ShownProof | undefined
}

/** What is left of the scopes of a token. */
interface Reach {
  readonly resource: string | null
  readonly scopes: readonly string[]
  /** Of all its resources; absent when one was wanted and something is left there. */
  readonly access?: ReadonlyMap<string, readonly string[]>
}

export function createVerifyMinted(deps: VerifyMintedDeps): VerifyMinted {
  const { config, resources, revocations, rateLimits, uses, dpop, refusals } = deps
  const recognize = createRecognize(deps)

  async function reachOf({ record, owner }: FoundMinted, wanted: string | undefined): Promise<Reach> {
    const leftAt = async (identifier: string) =>
      mintedScopes(record.scopes.get(identifier), owner, await resources.find(identifier))
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

  async function isOwnerEnded({ record, owner }: FoundMinted): Promise<boolean> {
    if (!owner || (owner.type === 'client' ? owner.client.disabled : owner.account.disabled)) return true
    const { owner: subject } = ownership(record.row)
    return await revocations.isRevoked([
      { kind: 'credential', id: record.row.id },
      { kind: subject.type, id: subject.id },
    ])
  }

  /** That it is alive. */
  function checkLife({ record: { row }, now }: FoundMinted, checks: Checks): void {
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

  async function checkOwner(found: FoundMinted, { access }: Reach, checks: Checks): Promise<void> {
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
    { record }: FoundMinted,
    { resource, scopes }: Reach,
    wanted: Wanted,
    { introspection, proof }: Circumstances,
    checks: Checks,
  ): Promise<void> {
    const { row, ranges } = record
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
      introspection === true || isProved(row.cnf ?? {}, wanted.evidence, proof),
      () => bindingOf(row.cnf ?? {}),
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
  function checkRate(
    { record, now }: FoundMinted,
    { explain }: Wanted,
    checks: Checks,
  ): RateState | undefined {
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

  async function judge(
    found: Recognized,
    wanted: Wanted,
    circumstances: Circumstances,
    checks: Checks,
  ): Promise<Identity> {
    const { introspection, proof } = circumstances
    checkLife(found, checks)
    const reach = await reachOf(found, wanted.resource)
    await checkOwner(found, reach, checks)
    await checkUse(found, reach, wanted, circumstances, checks)
    if (proof) await dpop.spend(proof, wanted, checks)
    const rate = introspection ? undefined : checkRate(found, wanted, checks)
    checks.settle()
    return { ...identityOf(found, reach, rate), ...(proof && dpop.newerNonce(proof)) }
  }

  return async (token, wanted, options = {}) => {
    const checks = createChecks(wanted.explain)
    const proof = wanted.request && (await dpop.judge(wanted.request, token, checks))
    const found = await recognize(token, wanted, checks)
    const { row } = found.record
    let identity: Identity
    try {
      identity = await judge(found, wanted, { ...options, proof }, checks)
    } catch (error) {
      if (error instanceof Problem && !wanted.explain) uses.refused(row, wanted)
      throw error
    }
    if (!wanted.explain) await uses.succeeded({ token, row, matched: found.matched, identity }, wanted)
    return identity
  }
}

function identityOf(found: Recognized, reach: Reach, rate: RateState | undefined): Identity {
  const { row } = found.record
  const { kind, owner: subject } = ownership(row)
  const client = found.owner?.type === 'client' ? found.owner.client : undefined
  const warnings = warningsOf(found)
  return {
    kind,
    credentialId: row.id,
    subject,
    ...(client && { clientId: client.clientId }),
    ...(client && client.organizationId !== null && { organization: client.organizationId }),
    ...reach,
    env: row.env,
    issuedAt: row.created_at,
    ...(row.expires_at && { expiresAt: row.expires_at }),
    ...(row.cnf && { cnf: row.cnf }),
    ...(warnings.length > 0 && { warnings }),
    ...(rate && { rate }),
  }
}

function warningsOf({ record: { row }, matched, now }: Recognized): Warning[] {
  const warnings: Warning[] = []
  if (matched.which === 'retired')
    warnings.push({ code: 'retired_secret', at: new Date(matched.retired.until) })
  if (row.expires_at && row.expires_at.getTime() - now.getTime() < EXPIRES_SOON_MS)
    warnings.push({ code: 'expires_soon', at: row.expires_at })
  return warnings
}
