/**
 * DPoP (RFC 9449) at the provider's own endpoints, /token, /par and /userinfo: its nonces, which are the same everywhere.
 * One from /token is good at /v1, and the other way round. They are computed from the minute and stored nowhere; one is good
 * for three to five minutes.
 */
import ServerChallenge from 'oidc-provider/lib/helpers/challenge.js'
import type { DpopNonces } from '../credentials/dpop-proof.ts'
import type { Keyring } from '../secrets/keyring.ts'

/** 32 bytes that every node derives from the newest master secret: a nonce of one is good at all. */
export function dpopNonceSecret(keyring: Keyring): Buffer {
  const [newest] = keyring.derive('dpop-nonce')
  if (!newest) throw new Error('there is no master secret to derive DPoP nonces from')
  return newest.key
}

/** With the library's own code, as its lib/provider.js does it. */
export function createDpopNonces(keyring: Keyring): DpopNonces {
  const challenge = new ServerChallenge(dpopNonceSecret(keyring), 'DPoP')
  return {
    next: () => challenge.nextChallenge(),
    isGood: nonce => challenge.checkChallenge(nonce),
  }
}
