/**
 * DPoP (RFC 9449) at our own doors: a credential that is bound to a key comes with a proof that its holder has the key. The
 * proof is judged before anything is known of the credential, so that what is said of it says nothing of the credential;
 * it is spent when everything else is good.
 * - On the wire: `Authorization: DPoP …` and the header `DPoP`. An API key in a header of its own may have a proof beside it.
 * - Stored: the SHA-256 of key and `jti` of a spent proof, until its nonce is too old.
 */
import { createHash } from 'node:crypto'
import type { RequestView } from '../http/request-view.ts'
import { findAuthorization } from './authorization.ts'
import type { Checks } from './checks.ts'
import { type DpopNonces, type DpopProof, readDpopProof } from './dpop-proof.ts'
import type { Wanted } from './kind.ts'
import type { Refusals } from './refusals.ts'
import type { ReplayMemory } from './replay.ts'

/** A proof that was good by itself. */
export interface ShownProof extends DpopProof {
  /** The credential came in the scheme DPoP: it has to be bound to this key. */
  readonly isDemanded: boolean
}

export interface Dpop {
  /**
   * Checks the proof that the request has, as `dpop_proof`. With the scheme DPoP there has to be one; beside a bearer token
   * it proves nothing (RFC 9449, section 7.2).
   * @returns undefined when there is none to judge, or when it is bad and somebody wants an explanation
   * @throws Problem 401 `invalid_dpop_proof`, 401 `use_dpop_nonce`
   */
  judge(request: RequestView, credential: string, checks: Checks): Promise<ShownProof | undefined>
  /**
   * The proof has done its work, and never will again; checked as `replay`. Call it when nothing else can be refused.
   * @throws Problem 401 `invalid_dpop_proof` when it had been spent, 503 when that cannot be remembered
   */
  spend(proof: ShownProof, wanted: Pick<Wanted, 'explain'>, checks: Checks): Promise<void>
  /** The nonce for its holder's next proof, when that is not the one it used: for the identity. */
  newerNonce(proof: ShownProof): { dpopNonce?: string }
}

/** Longer than any nonce is good. */
const REMEMBERED_SECONDS = 300

export function createDpop({
  replays,
  nonces,
  refusals,
}: {
  replays: ReplayMemory
  nonces: DpopNonces
  refusals: Pick<Refusals, 'invalidDpopProof' | 'useDpopNonce'>
}): Dpop {
  return {
    async judge(request, credential, checks) {
      const scheme = findAuthorization(request)?.scheme
      const isDemanded = scheme === 'dpop'
      if (scheme === 'bearer' || (!isDemanded && request.header('dpop') === undefined)) return undefined
      const read = await readDpopProof(request, credential, nonces)
      const bad = 'mistake' in read ? read : undefined
      checks.need(
        'dpop_proof',
        bad === undefined,
        () => (bad ? `it ${bad.mistake}` : 'it is for this request and this credential'),
        () =>
          bad?.lacksNonce
            ? refusals.useDpopNonce(nonces.next())
            : refusals.invalidDpopProof(bad?.mistake ?? 'is not good.'),
      )
      return 'mistake' in read ? undefined : { ...read, isDemanded }
    },

    async spend({ jkt, jti }, { explain }, checks) {
      const digest = createHash('sha256').update(`dpop ${jkt} ${jti}`).digest()
      const isFirst = explain
        ? !(await replays.isRemembered(digest))
        : await replays.rememberOnce(digest, REMEMBERED_SECONDS)
      checks.need(
        'replay',
        isFirst,
        () => (isFirst ? 'its proof has not been used' : 'its proof was used before'),
        () => refusals.invalidDpopProof('was used before: every request needs one of its own.'),
      )
    },

    newerNonce({ nonce }) {
      const next = nonces.next()
      return nonce === next ? {} : { dpopNonce: next }
    },
  }
}
