/**
 * The algorithms that tokens are signed with (RFC 7518, section 3.1; RFC 8037 with Ed25519), the usual one first. A
 * resource chooses one for its JWT access tokens, a client one for its ID tokens. Nothing else is signed or taken.
 */
export const SIGNING_ALGS = ['ES256', 'EdDSA', 'RS256'] as const

export type SigningAlg = (typeof SIGNING_ALGS)[number]

/** What says nothing gets this one. */
export const USUAL_SIGNING_ALG: SigningAlg = 'ES256'
