/**
 * API keys: what a program of a client shows.
 * - On the wire: `lk_live_key_…` (docs/token-format.md) in `Authorization: Bearer` or `ApiKey`, `X-API-Key`, or the
 *   operator's header. A key that was imported from another system keeps its form, and comes in any of these but Bearer.
 * - Stored: HMAC-SHA-256 of the whole key under a pepper, its id, its last four characters (minted-token.ts).
 * - Ended by: its revocation, its expiry, quarantine, its client being disabled, the last of its scopes being taken away.
 *   A rotation ends the secret and keeps the key.
 *
 * A client may have several. How one is judged is in verify-minted.ts, as for personal tokens.
 */
import { looksMinted } from '../secrets/minted-format.ts'
import type { CredentialKind } from './kind.ts'
import { findPresentedKey, from } from './presented-key.ts'
import type { Refusals } from './refusals.ts'
import type { VerifyMinted } from './verify-minted.ts'

export interface MintedKindDeps {
  readonly verifyMinted: VerifyMinted
  /** In lower case. */
  readonly apiKeyHeader: string | undefined
  readonly refusals: Refusals
}

export function apiKey({ verifyMinted, apiKeyHeader, refusals }: MintedKindDeps): CredentialKind {
  return {
    name: 'api-key',
    place: 'explicit',
    challenge: [refusals.bearerChallenge, refusals.dpopChallenge],

    claim(request) {
      const key = findPresentedKey(request, apiKeyHeader)
      if (key === undefined || looksMinted(key) === 'pat') return undefined
      return wanted => verifyMinted(key, from(request, wanted))
    },
  }
}
