/**
 * A DPoP proof (RFC 9449, section 4.2) beside a JWT access token: judged by itself and by the request it came with. Each is
 * good once in this process; where several processes answer for one API, each remembers its own.
 */
import { createHmac, hash, randomBytes } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, type JWTVerifyResult, jwtVerify } from 'jose'
import { hasCostlyKey } from './costly-key.ts'
import type { PresentedRequest } from './presented-request.ts'
import { DPOP_ALGS, Unavailable } from './refusal.ts'

export interface DpopProof {
  /** The thumbprint of the key that signed it (RFC 7638). */
  readonly jkt: string
  readonly jti: string
  readonly iat: number
  readonly nonce: string | undefined
}

/** `mistake` goes on after "The DPoP proof ". */
export interface BadProof {
  readonly mistake: string
}

/**
 * RFC 9449, section 4.3, but for the last steps: whose key it is, whether it is recent, and whether it was seen before.
 * @param origin of this API, as callers know it
 */
export async function readDpopProof(
  request: PresentedRequest,
  origin: string,
  credential: string,
): Promise<DpopProof | BadProof> {
  const [text, second] = request.all('dpop')
  if (text === undefined) return { mistake: 'is missing: send it in the header DPoP.' }
  // Two of them are joined in a web `Request`.
  if (second !== undefined || text.includes(',')) return { mistake: 'is there more than once.' }
  const verified = hasCostlyKey(text) ? undefined : await signedProof(text)
  if (!verified) return { mistake: 'is not a JWT of the type dpop+jwt, signed with the key in its header.' }
  const { payload, protectedHeader } = verified
  const { jti, iat, htm, htu, ath, nonce } = payload
  if (typeof jti !== 'string' || jti === '') return { mistake: 'has no jti.' }
  if (typeof iat !== 'number') return { mistake: 'has no iat.' }
  if (htm !== request.method)
    return { mistake: `is for another method: its htm has to be ${request.method}.` }
  const target = withoutQuery(`${origin}${request.target}`)
  if (typeof htu !== 'string' || target === undefined || withoutQuery(htu) !== target)
    return { mistake: `is for another address: its htu has to be ${target}` }
  if (ath !== hash('sha256', credential, 'base64url'))
    return { mistake: 'is for another token: its ath has to be the SHA-256 of this one.' }
  const jkt = await calculateJwkThumbprint(protectedHeader.jwk ?? {})
  return { jkt, jti, iat, nonce: typeof nonce === 'string' ? nonce : undefined }
}

/** Undefined when it is malformed, or not signed by the public key that it names. */
async function signedProof(text: string): Promise<JWTVerifyResult | undefined> {
  try {
    return await jwtVerify(text, EmbeddedJWK, { algorithms: DPOP_ALGS, typ: 'dpop+jwt' })
  } catch {
    // Everything in it is the sender's, the key too: whatever it makes fail, it is the proof that is bad.
    return undefined
  }
}

/** Normalized (RFC 3986, sections 6.2.2 and 6.2.3). */
function withoutQuery(address: string): string | undefined {
  const url = URL.parse(address)
  if (!url) return undefined
  url.search = ''
  url.hash = ''
  return url.href.replaceAll(/%[0-9a-f]{2}/gi, octet => {
    const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16))
    return /[\w.~-]/.test(character) ? character : octet.toUpperCase()
  })
}

/** Values of this API that a proof has to carry, so that none is made in advance (RFC 9449, section 9). */
export interface DpopNonces {
  next(): string
  /** Made with the same secret, not more than three minutes ago. */
  isGood(nonce: string | undefined): boolean
}

const NONCE_MS = 60_000

/** @param secret the same in every process of the API; without one they do not know each other's */
export function dpopNonces(now: () => number, secret: Uint8Array = randomBytes(32)): DpopNonces {
  const at = (slot: number) => createHmac('sha256', secret).update(`dpop-nonce ${slot}`).digest('base64url')
  const current = () => Math.floor(now() / NONCE_MS)
  return {
    next: () => at(current()),
    isGood: nonce => nonce !== undefined && [0, 1, 2].some(age => at(current() - age) === nonce),
  }
}

export interface SpentProofs {
  /** False when it was spent before. @throws Unavailable when nothing more can be remembered */
  spend(proof: DpopProof): boolean
}

/** @param keptMs longer than a proof can be good */
export function spentProofs(now: () => number, keptMs: number, most: number): SpentProofs {
  // In the order of their end, which is the order in which they came.
  const spent = new Map<string, number>()
  return {
    spend({ jkt, jti }) {
      for (const [proof, until] of spent) {
        if (until > now()) break
        spent.delete(proof)
      }
      const proof = hash('sha256', `${jkt} ${jti}`, 'base64')
      if (spent.has(proof)) return false
      // Forgetting one early would let it in twice.
      if (spent.size >= most) throw new Unavailable(`${most} DPoP proofs are remembered, which is the limit`)
      spent.set(proof, now() + keptMs)
      return true
    },
  }
}
