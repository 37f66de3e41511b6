/**
 * Signed JWTs of Latchkey, verified by Node's crypto with keys that are ready: what `jose` does, for three algorithms and
 * without a promise (test/verifier/jws.test.ts compares the two). Every API call ends here, so it is made to be fast.
 */
import { createPublicKey, type JsonWebKey, type KeyObject, verify as verifySignature } from 'node:crypto'
import { objectFrom } from './reach.ts'

export type JwtType = 'at+jwt' | 'statuslist+jwt' | 'identity+jwt'

export type Claims = Readonly<Record<string, unknown>>

interface VerificationKey {
  readonly alg: 'ES256' | 'EdDSA' | 'RS256'
  readonly key: KeyObject
}

/** All that was published at one time. */
export interface KeySet {
  /** By algorithm and `kid`. */
  readonly keys: ReadonlyMap<string, VerificationKey>
  /** By the type and the header as it was sent: headers of tokens that were good. */
  readonly headers: Readonly<Record<JwtType, Map<string, VerificationKey>>>
}

const MOST_HEADERS = 100
const LEAST_RSA_BITS = 2048

/** RFC 7517. Keys that cannot have signed a token of Latchkey are left out: others may be published beside them. */
export function keySetFrom(jwks: Record<string, unknown>): KeySet | undefined {
  if (!Array.isArray(jwks.keys)) return undefined
  const keys = new Map<string, VerificationKey>()
  for (const jwk of jwks.keys as Record<string, unknown>[]) {
    const alg = algorithmOf(jwk)
    if (alg === undefined || typeof jwk.kid !== 'string') continue
    const name = `${alg} ${jwk.kid}`
    const key = publicKey(jwk)
    if (key && !keys.has(name)) keys.set(name, { alg, key })
  }
  return { keys, headers: { 'at+jwt': new Map(), 'statuslist+jwt': new Map(), 'identity+jwt': new Map() } }
}

/** The one algorithm that a key is for (RFC 8725, section 3.1): what a token says of itself does not choose it. */
function algorithmOf(jwk: Record<string, unknown>): VerificationKey['alg'] | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const { kty, crv, alg, use, key_ops } = jwk
  if (use !== undefined && use !== 'sig') return undefined
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))) return undefined
  const found =
    kty === 'EC' && crv === 'P-256'
      ? 'ES256'
      : kty === 'OKP' && crv === 'Ed25519'
        ? 'EdDSA'
        : kty === 'RSA'
          ? 'RS256'
          : undefined
  return alg === undefined || alg === found ? found : undefined
}

function publicKey(jwk: Record<string, unknown>): KeyObject | undefined {
  const { kty, crv, x, y, n, e } = jwk
  try {
    const key = createPublicKey({ key: { kty, crv, x, y, n, e } as JsonWebKey, format: 'jwk' })
    const bits = key.asymmetricKeyDetails?.modulusLength ?? LEAST_RSA_BITS
    return bits >= LEAST_RSA_BITS ? key : undefined
  } catch {
    // A key that is none: no token can be verified with it.
    return undefined
  }
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * RFC 7515 and RFC 8725. Says nothing of the claims.
 * @returns 'unknown_key' when it may be signed with a key that was published later
 */
export function verifyJws(token: string, type: JwtType, set: KeySet): Claims | 'unknown_key' | undefined {
  if (!JWT.test(token)) return undefined
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  const header = token.slice(0, first)
  const known = set.headers[type].get(header)
  const found = known ?? keyFor(header, type, set)
  if (found === undefined || found === 'unknown_key') return found
  const signed = Buffer.from(token.slice(0, second), 'latin1')
  const signature = Buffer.from(token.slice(second + 1), 'base64url')
  if (!isSignedBy(found, signed, signature)) return undefined
  const headers = set.headers[type]
  if (!known && headers.size < MOST_HEADERS) headers.set(header, found)
  return objectFrom(textOf(token.slice(first + 1, second)))
}

/** With the key alone, and ECDSA in DER: options in `verify` cost a third of an ES256 verification. */
function isSignedBy({ alg, key }: VerificationKey, signed: Buffer, signature: Buffer): boolean {
  if (alg !== 'ES256') return verifySignature(alg === 'EdDSA' ? null : 'sha256', signed, key, signature)
  return signature.length === 64 && verifySignature('sha256', signed, key, derOf(signature))
}

/** RFC 7518, section 3.4 has two numbers of 32 bytes; DER has them without leading zeros and never negative. */
function derOf(signature: Buffer): Buffer {
  const der = Buffer.allocUnsafe(72)
  const end = putInteger(der, putInteger(der, 2, signature, 0), signature, 32)
  der[0] = 0x30
  der[1] = end - 2
  return der.subarray(0, end)
}

/** @returns where the next one goes */
function putInteger(der: Buffer, at: number, from: Buffer, start: number): number {
  const end = start + 32
  let first = start
  while (first < end - 1 && from[first] === 0) first += 1
  const isHigh = (from[first] ?? 0) >= 0x80
  const length = end - first + (isHigh ? 1 : 0)
  der[at] = 0x02
  der[at + 1] = length
  if (isHigh) der[at + 2] = 0
  from.copy(der, at + 2 + (isHigh ? 1 : 0), first, end)
  return at + 2 + length
}

const textOf = (part: string) => Buffer.from(part, 'base64url').toString()

function keyFor(
  header: string,
  type: JwtType,
  { keys }: KeySet,
): VerificationKey | 'unknown_key' | undefined {
  const { alg, kid, typ, crit } = objectFrom(textOf(header)) ?? {}
  if (alg !== 'ES256' && alg !== 'EdDSA' && alg !== 'RS256') return undefined
  // Nothing that would be critical is known here (RFC 7515, section 4.1.11).
  if (crit !== undefined || typeof typ !== 'string' || typeof kid !== 'string') return undefined
  if (typ.toLowerCase().replace(/^application\//, '') !== type) return undefined
  return keys.get(`${alg} ${kid}`) ?? 'unknown_key'
}
