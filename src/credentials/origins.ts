/**
 * The API key or personal token that an exchanged token (exchanged.ts) came of: judged by the same rules as if it were
 * shown itself, at every use. So what is changed of it counts at once: its status, its owner's scopes, its addresses.
 */
import { Problem } from '../http/problem.ts'
import { createChecks, type Explain } from './checks.ts'
import { createJudge, type JudgeDeps } from './judge.ts'
import type { Wanted } from './kind.ts'
import type { MintedDirectory } from './minted-directory.ts'
import { ownership } from './minted-token.ts'
import type { VerifyOptions } from './verify-minted.ts'

export interface Origins {
  /**
   * @param wanted its keys were shown as `evidence`; with `explain` nothing is counted
   * @returns the scopes that it has at `wanted.resource` now, or its refusal: 401, 403, 429
   */
  judge(
    id: string,
    wanted: Omit<Wanted, 'request'>,
    options?: VerifyOptions,
  ): Promise<readonly string[] | Problem>
  /** Whether it has limits that only this server can keep: where it may be used from, and how often. */
  isLimited(id: string): Promise<boolean>
}

export interface OriginsDeps extends JudgeDeps {
  readonly minted: MintedDirectory
}

export function createOrigins(deps: OriginsDeps): Origins {
  const { minted, refusals } = deps
  const judge = createJudge(deps)
  return {
    async judge(id, wanted, options) {
      const explain = wanted.explain && ofOrigin(wanted.explain)
      const found = await minted.find(id)
      if (!found) return refusals.invalidCredential('what it came of is gone')
      const { kind } = ownership(found.record.row)
      const asked = { ...wanted, ...(explain && { explain }) }
      try {
        return (await judge(found, asked, { ...options, kind }, createChecks(explain))).scopes
      } catch (error) {
        if (error instanceof Problem && error.status < 500) return error
        throw error
      }
    },

    async isLimited(id) {
      const { ranges = null, rateLimit = null } = (await minted.find(id))?.record ?? {}
      return ranges !== null || rateLimit !== null
    },
  }
}

/** Its checks beside those of the token that was shown. */
const ofOrigin =
  (explain: Explain): Explain =>
  check =>
    explain({ ...check, name: `origin_${check.name}` })
