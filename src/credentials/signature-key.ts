/** The two algorithms that signed requests are made with, as RFC 9421 names them (section 3.3). */
import {
  createHmac,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
  verify,
} from 'node:crypto'

export const SIGNATURE_ALGORITHMS = ['hmac-sha256', 'ed25519'] as const
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number]

export interface SignatureKey {
  readonly algorithm: SignatureAlgorithm
  /** A secret, or an Ed25519 public key. */
  readonly key: KeyObject
}

/** Constant time where there is a secret. */
export function isSignedBy({ algorithm, key }: SignatureKey, message: string, signature: Buffer): boolean {
  if (algorithm === 'ed25519')
    return signature.length === 64 && verify(null, Buffer.from(message), key, signature)
  const own = createHmac('sha256', key).update(message).digest()
  return (
    timingSafeEqual(own, signature.length === own.length ? signature : Buffer.alloc(own.length)) &&
    signature.length === own.length
  )
}

/** Of a secret as it is shown: its characters are the bytes of the key. */
export const hmacKey = (secret: string): SignatureKey => ({
  algorithm: 'hmac-sha256',
  key: createSecretKey(Buffer.from(secret)),
})

/** @param x the public key in base64url, as in a JWK (RFC 8037) @throws Error for what is none */
export const ed25519Key = (x: string): SignatureKey => ({
  algorithm: 'ed25519',
  key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
})
