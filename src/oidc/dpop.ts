/**
 * DPoP (RFC 9449) at the provider's own endpoints, /token, /par and /userinfo: its nonces, which are the same everywhere.
 * One from /token is good at /v1, and the other way round. They are computed from the minute and stored nowhere; one is good
 * for three to five minutes.
 */
import type { Middleware } from 'koa'
import type { Provider } from 'oidc-provider'
import ServerChallenge from 'oidc-provider/lib/helpers/challenge.js'
import instance from 'oidc-provider/lib/helpers/weak_cache.js'
import type { DpopNonces } from '../credentials/dpop-proof.ts'
import { Problem } from '../http/problem.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { hasCostlyKey } from '../verifier/costly-key.ts'

/** 32 bytes that every node derives from the newest master secret: a nonce of one is good at all. */
export function dpopNonceSecret(keyring: Keyring): Buffer {
  const [newest] = keyring.derive('dpop-nonce')
  if (!newest) throw new Error('there is no master secret to derive DPoP nonces from')
  return newest.key
}

/** With the library's own code, as its lib/provider.js does it: of the newest secret, and good of any. */
export function createDpopNonces(keyring: Keyring): DpopNonces {
  const challenges = keyring.derive('dpop-nonce').map(({ key }) => new ServerChallenge(key, 'DPoP'))
  const [newest] = challenges
  if (!newest) throw new Error('there is no master secret to derive DPoP nonces from')
  return {
    next: () => newest.nextChallenge(),
    isGood: nonce => challenges.some(challenge => challenge.checkChallenge(nonce)),
  }
}

/** In front of the library, which takes a key of any size. @throws Problem 400, at /userinfo 401 (RFC 9449, section 7.1) */
export const refuseCostlyProofs: Middleware = (ctx, next) => {
  const proof = ctx.get('DPoP')
  if (proof === '' || !hasCostlyKey(proof)) return next()
  const isResource = ctx.path === '/userinfo'
  throw new Problem(
    isResource ? 401 : 400,
    'invalid_dpop_proof',
    'The key of the DPoP proof is larger than what is taken here.',
    undefined,
    isResource ? { headers: { 'WWW-Authenticate': 'DPoP error="invalid_dpop_proof"' } } : {},
  )
}

/** The library knows one secret only: while the master secrets change, nodes and clients still have nonces of the other. */
export function takeNoncesOfAllSecrets(provider: Provider, keyring: Keyring): void {
  const { next, isGood } = createDpopNonces(keyring)
  instance(provider).DPoPNonces = { nextChallenge: next, checkChallenge: isGood }
}
