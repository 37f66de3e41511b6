/** Whether a key in the header of a DPoP proof (RFC 9449, section 4.2) is one that is worth verifying with. */
import { decodeProtectedHeader } from 'jose'

const MOST_RSA_BITS = 8192
const EXPONENT_BELOW = 2n ** 33n

/**
 * An RSA key with more than anybody has: each signature would be a long time's work for us, and anybody may send one.
 * What cannot be read at all is for the library to say.
 */
export function hasCostlyKey(proof: string): boolean {
  try {
    const { kty, n, e } = decodeProtectedHeader(proof).jwk ?? {}
    if (kty !== 'RSA' || n === undefined || e === undefined) return false
    const [modulus, exponent] = [n, e].map(number => Buffer.from(number, 'base64url'))
    if (!modulus || !exponent) return false
    return modulus.length * 8 > MOST_RSA_BITS || BigInt(`0x0${exponent.toString('hex')}`) >= EXPONENT_BELOW
  } catch {
    return false
  }
}
