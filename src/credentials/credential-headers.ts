/** What an answer tells a caller about the credential it used. */
import type { Identity } from './kind.ts'
import type { RateState } from './rate-limit.ts'

/** Something its holder should look after while it still works. */
export interface Warning {
  readonly code: 'expires_soon' | 'retired_secret'
  /** When it stops to work. */
  readonly at: Date
}

const PARAMETER: Readonly<Record<Warning['code'], string>> = {
  expires_soon: 'expires_at',
  retired_secret: 'retire_at',
}

/** `X-Credential-Warning: expires_soon; expires_at="…"`, how much of a rate limit is left, and a nonce for the next proof. */
export function credentialHeaders({
  warnings = [],
  rate,
  dpopNonce,
}: Pick<Identity, 'warnings' | 'rate' | 'dpopNonce'>): Record<string, string> {
  const told = warnings.map(({ code, at }) => `${code}; ${PARAMETER[code]}="${at.toISOString()}"`)
  return {
    ...(told.length > 0 && { 'X-Credential-Warning': told.join(', ') }),
    ...(rate && rateHeaders(rate)),
    ...(dpopNonce !== undefined && { 'DPoP-Nonce': dpopNonce }),
  }
}

/** draft-ietf-httpapi-ratelimit-headers: the policy, and what is left of it. */
export function rateHeaders({ limit, remaining, reset }: RateState): Record<string, string> {
  return {
    'RateLimit-Policy': `"credential";q=${limit.requests};w=${limit.seconds}`,
    RateLimit: `"credential";r=${remaining};t=${reset}`,
  }
}
