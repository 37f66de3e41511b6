/** The last steps of every verification, in the order of credentials.md: audience, binding, scopes. */
import type { Confirmation, Wanted } from './kind.ts'
import type { Refusals } from './refusals.ts'

interface Credential {
  /** The one resource it is for; null: none. Absent: whatever is wanted. */
  readonly audience?: string | null
  readonly cnf?: Confirmation | undefined
  readonly scopes: readonly string[]
}

/** @throws Problem 403 `wrong_audience`, 401 for a binding that was not proved, 403 `insufficient_scope` */
export function checkWanted(refusals: Refusals, { audience, cnf, scopes }: Credential, wanted: Wanted): void {
  if (audience !== undefined && wanted.resource !== undefined && wanted.resource !== audience)
    throw refusals.wrongAudience()
  if (!isProved(cnf, wanted.evidence)) throw refusals.invalidCredential('bound to a key that was not shown')
  const needed = wanted.scopes ?? []
  if (!needed.every(scope => scopes.includes(scope))) throw refusals.insufficientScope(needed)
}

/** Every key it is bound to was shown, also of a sort that this version does not know: those never are. */
function isProved(cnf: Confirmation = {}, evidence: Confirmation = {}): boolean {
  const shown = new Map<string, unknown>(Object.entries(evidence))
  return Object.entries(cnf).every(([name, thumbprint]) => shown.get(name) === thumbprint)
}
