/**
 * Personal access tokens: what a script of a person shows, acting as that person.
 * - On the wire: `lk_live_pat_…` (docs/token-format.md) in `Authorization: Bearer` or `ApiKey`, `X-API-Key`, or the
 *   operator's header; or as the password in `Authorization: Basic`, under any name, for programs that know only that.
 * - Stored: HMAC-SHA-256 of the whole token under a pepper, its id, its last four characters (minted-token.ts).
 * - Ended by: its revocation, its expiry, quarantine, its account being disabled, the last of its scopes being taken away.
 *   A rotation ends the secret and keeps the token.
 *
 * It never makes another one. How one is judged is in verify-minted.ts, as for API keys.
 */
import type { RequestView } from '../http/request-view.ts'
import { looksMinted } from '../secrets/minted-format.ts'
import type { MintedKindDeps } from './api-key.ts'
import { findBasic } from './basic.ts'
import type { CredentialKind } from './kind.ts'
import { findPresentedKey, from } from './presented-key.ts'

export function personalAccessToken(deps: MintedKindDeps): CredentialKind {
  const { verifyMinted, apiKeyHeader, refusals } = deps
  return {
    name: 'personal-access-token',
    place: 'explicit',
    challenge: request => [
      refusals.bearerChallenge,
      refusals.dpopChallenge,
      ...refusals.basicChallenge(request),
    ],

    claim(request) {
      const token = findPresentedKey(request, apiKeyHeader) ?? passwordOf(request)
      if (token === undefined || looksMinted(token) !== 'pat') return undefined
      return wanted => verifyMinted(token, from(request, wanted))
    },
  }
}

function passwordOf(request: RequestView): string | undefined {
  const sent = findBasic(request)
  return sent === undefined || sent === 'malformed' ? undefined : sent.secret
}
