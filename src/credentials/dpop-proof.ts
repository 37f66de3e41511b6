/**
 * A DPoP proof (RFC 9449, section 4.2): a JWT made for one request, signed with the key that a credential is bound to.
 * Here one is read and judged by itself and by the request it came with. It asks nobody and spends nothing, and it does not
 * know whether the credential is good: dpop.ts goes on from here.
 */
import { hash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose'
import type { RequestView } from '../http/request-view.ts'
import { hasCostlyKey } from '../verifier/costly-key.ts'

/** What a proof may be signed with, here and at the provider. EdDSA is the older name of Ed25519 (RFC 8037, RFC 9864). */
export const DPOP_ALGS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256'] as const

export interface DpopProof {
  /** The thumbprint of the key that signed it (RFC 7638). */
  readonly jkt: string
  readonly jti: string
  /** Ours, and not too old. */
  readonly nonce: string
}

/** Values of this server that a proof has to carry, so that none is made in advance (RFC 9449, section 8). */
export interface DpopNonces {
  /** The newest one. */
  next(): string
  /** It was made here, or on another node, and not long ago. */
  isGood(nonce: string): boolean
}

/** What is wrong with it: `mistake` goes on after "The DPoP proof ". */
export interface BadProof {
  readonly mistake: string
  /** Only the nonce is missing or too old: the same again with a new one is good. */
  readonly lacksNonce?: true
}

/**
 * RFC 9449, section 4.3, but for the last steps: whose key it is and whether it has been seen before. Whether it is recent
 * is what the nonce says; `iat` is of a clock that may be wrong.
 * @param credential that it came with, for `ath`
 */
export async function readDpopProof(
  request: RequestView,
  credential: string,
  nonces: DpopNonces,
): Promise<DpopProof | BadProof> {
  const [text, second] = request.all('dpop')
  if (text === undefined) return { mistake: 'is missing: send it in the header DPoP.' }
  if (second !== undefined) return { mistake: 'is there more than once.' }
  const verified = hasCostlyKey(text) ? undefined : await verifySignature(text)
  if (!verified) return { mistake: 'is not a JWT of the type dpop+jwt, signed with the key in its header.' }
  const { payload, protectedHeader } = verified
  const mistake = mistakeIn(payload, request, credential)
  if (mistake !== undefined) return { mistake }
  const { jti = '', nonce } = payload
  if (typeof nonce !== 'string' || !nonces.isGood(nonce))
    return { mistake: 'needs the nonce in the header DPoP-Nonce of this answer.', lacksNonce: true }
  return { jkt: await calculateJwkThumbprint(protectedHeader.jwk ?? {}), jti, nonce }
}

/** Undefined when it is malformed, or not signed by the public key that it names. */
async function verifySignature(text: string): Promise<JWTVerifyResult | undefined> {
  try {
    return await jwtVerify(text, EmbeddedJWK, { algorithms: [...DPOP_ALGS], typ: 'dpop+jwt' })
  } catch {
    // Everything in it is the sender's, the key too: whatever it makes fail, it is the proof that is bad.
    return undefined
  }
}

function mistakeIn(
  { jti, iat, htm, htu, ath }: JWTPayload,
  { method, url }: RequestView,
  credential: string,
): string | undefined {
  if (typeof jti !== 'string' || jti === '') return 'has no jti.'
  if (typeof iat !== 'number') return 'has no iat.'
  if (htm !== method) return `is for another method: its htm has to be ${method}.`
  const target = targetOf(url)
  if (typeof htu !== 'string' || target === undefined || targetOf(htu) !== target)
    return `is for another address: its htu has to be ${target}`
  return ath === hash('sha256', credential, 'base64url')
    ? undefined
    : 'is for another token: its ath has to be the SHA-256 of this one.'
}

/** Without query and fragment, and normalized (RFC 3986, sections 6.2.2 and 6.2.3). */
function targetOf(address: string): string | undefined {
  const url = URL.parse(address)
  if (!url) return undefined
  url.search = ''
  url.hash = ''
  return url.href.replaceAll(/%[0-9a-f]{2}/gi, octet => {
    const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16))
    return /[\w.~-]/.test(character) ? character : octet.toUpperCase()
  })
}
