/**
 * The end of every verification of a client credential: its kind has found it and shown that the request is its own; here
 * it is judged (judge.ts) and its use is noted.
 */
import { Problem } from '../http/problem.ts'
import type { Checks } from './checks.ts'
import type { ClientCredentialDirectory, FoundClientCredential } from './client-credential-directory.ts'
import { type Circumstances, createJudge, type JudgeDeps } from './judge.ts'
import type { Identity, Wanted } from './kind.ts'
import type { Usage } from './usage.ts'

export interface VerifyClientCredentialDeps extends JudgeDeps {
  readonly usage: Pick<Usage, 'note'>
}

/**
 * @param checks those of this verification so far: these are the last of it
 * @throws Problem 401, 403, 429
 */
export type VerifyClientCredential = (
  found: FoundClientCredential,
  wanted: Wanted,
  circumstances: Pick<Circumstances, 'spend' | 'warnings'>,
  checks: Checks,
) => Promise<Identity>

/** What the kinds of client credentials need. */
export interface ClientCredentialKindDeps {
  readonly clientCredentials: Pick<ClientCredentialDirectory, 'find' | 'findByHandles'>
  readonly verifyClientCredential: VerifyClientCredential
}

export function createVerifyClientCredential(deps: VerifyClientCredentialDeps): VerifyClientCredential {
  const judge = createJudge(deps)
  return async (found, wanted, circumstances, checks) => {
    const { id, kind } = found.record.row
    const note = (outcome: 'success' | 'refused') => {
      if (!wanted.explain)
        deps.usage.note(id, {
          outcome,
          ...(outcome === 'success' && { address: wanted.address, userAgent: wanted.userAgent }),
        })
    }
    let identity: Identity
    try {
      identity = await judge(found, wanted, { ...circumstances, kind }, checks)
    } catch (error) {
      if (error instanceof Problem) note('refused')
      throw error
    }
    note('success')
    return identity
  }
}
