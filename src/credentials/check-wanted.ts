/** The last steps of every verification, in the order that judge.ts tells: audience, binding, scopes. */
import { type Checks, createChecks } from './checks.ts'
import type { ShownProof } from './dpop.ts'
import type { Confirmation, Wanted } from './kind.ts'
import type { Refusals } from './refusals.ts'

interface Credential {
  /** The one resource it is for; null: none. Absent: whatever is wanted. */
  readonly audience?: string | null
  readonly cnf?: Confirmation | undefined
  /** That its holder has a key. */
  readonly proof?: ShownProof | undefined
  readonly scopes: readonly string[]
}

/**
 * @param checks those of this verification so far: these are the last of it
 * @throws Problem 403 `wrong_audience`, 401 for a binding that was not proved, 403 `insufficient_scope`
 */
export function checkWanted(
  refusals: Refusals,
  { audience, cnf, proof, scopes }: Credential,
  wanted: Wanted,
  checks: Checks = createChecks(wanted.explain),
): void {
  const { resource, evidence, scopes: needed = [] } = wanted
  checks.need(
    'audience',
    audience === undefined || resource === undefined || resource === audience,
    () =>
      audience === undefined
        ? 'it is for no resource in particular'
        : `it is for ${audience ?? 'no resource'}`,
    refusals.wrongAudience,
  )
  checks.need(
    'binding',
    isProved(cnf, evidence, proof),
    () => bindingOf(cnf),
    () => refusals.invalidCredential('bound to a key that was not shown'),
  )
  checks.need(
    'scopes',
    needed.every(scope => scopes.includes(scope)),
    () => `now it has: ${scopes.join(' ') || 'none'}`,
    () => refusals.insufficientScope(needed),
  )
  checks.settle()
}

/**
 * Every key it is bound to was shown, also of a sort that this version does not know: those never are. What came in the
 * scheme DPoP is bound to the key of its proof (RFC 9449, section 7.1).
 */
export function isProved(cnf: Confirmation = {}, evidence: Confirmation = {}, proof?: ShownProof): boolean {
  if (proof?.isDemanded && cnf.jkt === undefined) return false
  const shown = new Map<string, unknown>(Object.entries({ ...evidence, ...(proof && { jkt: proof.jkt }) }))
  return Object.entries(cnf).every(([name, thumbprint]) => shown.get(name) === thumbprint)
}

/** For an explanation. */
export const bindingOf = (cnf: Confirmation = {}): string =>
  `it is bound to ${Object.keys(cnf).join(', ') || 'no key'}`
