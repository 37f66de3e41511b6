/** DPoP (RFC 9449) at the provider's own endpoints: /token, /par and /userinfo. */
import type { Keyring } from '../secrets/keyring.ts'

/** A proof is signed with one of these. Both names of EdDSA over Ed25519 are in use (RFC 8037, RFC 9864). */
export const PROOF_ALGS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256'] as const

/** 32 bytes that every node derives from the newest master secret: a nonce of one is good at all. */
export function dpopNonceSecret(keyring: Keyring): Buffer {
  const [newest] = keyring.derive('dpop-nonce')
  if (!newest) throw new Error('there is no master secret to derive DPoP nonces from')
  return newest.key
}
