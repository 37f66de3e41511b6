/**
 * The one verification of API keys and personal access tokens: who it is (minted-recognition.ts), then whether it is good
 * for this (judge.ts). Warm it sends no query, cold exactly one. Nothing is written on the way but what a first use changes
 * (minted-uses.ts), and that the proof of a bound one is spent (dpop.ts).
 */
import type { Config } from '../config.ts'
import { Problem } from '../http/problem.ts'
import { createChecks } from './checks.ts'
import type { Warning } from './credential-headers.ts'
import { createJudge, type JudgeDeps } from './judge.ts'
import type { Identity, Wanted } from './kind.ts'
import { createRecognize, type RecognitionDeps, type Recognized } from './minted-recognition.ts'
import { ownership } from './minted-token.ts'
import type { MintedUses } from './minted-uses.ts'
import type { Refusals } from './refusals.ts'

export interface VerifyMintedDeps extends RecognitionDeps, JudgeDeps {
  readonly config: Pick<Config, 'tokenPrefixes' | 'environments'>
  readonly uses: MintedUses
  readonly refusals: Refusals
}

export interface VerifyOptions {
  /** RFC 7662: see judge.ts. */
  readonly introspection?: boolean
}

/**
 * @param wanted with `explain` every check is told and nothing is counted, spent or written
 * @throws Problem 401, 403, 429
 */
export type VerifyMinted = (token: string, wanted: Wanted, options?: VerifyOptions) => Promise<Identity>

export function createVerifyMinted(deps: VerifyMintedDeps): VerifyMinted {
  const { uses, dpop } = deps
  const recognize = createRecognize(deps)
  const judge = createJudge(deps)

  return async (token, wanted, options = {}) => {
    const checks = createChecks(wanted.explain)
    const proof = wanted.request && (await dpop.judge(wanted.request, token, checks))
    const found = await recognize(token, wanted, checks)
    const { row } = found.record
    const circumstances = { ...options, kind: ownership(row).kind, proof, warnings: warningsOf(found) }
    let identity: Identity
    try {
      identity = await judge(found, wanted, circumstances, checks)
    } catch (error) {
      if (error instanceof Problem && !wanted.explain) uses.refused(row, wanted)
      throw error
    }
    if (!wanted.explain) await uses.succeeded({ token, row, matched: found.matched, identity }, wanted)
    return identity
  }
}

function warningsOf({ matched }: Recognized): Warning[] {
  if (matched.which !== 'retired') return []
  return [{ code: 'retired_secret', at: new Date(matched.retired.until) }]
}
