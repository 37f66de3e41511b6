/** A key pair for signing, made and named. Nothing is stored here: signing-keys.ts does that. */
import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairOptions,
  generateKeyPair,
  type JWK,
} from 'jose'
import type { SigningAlg } from '../secrets/signing-alg.ts'

export interface MadeSigningKey {
  /** The JWK thumbprint (RFC 7638, SHA-256). */
  readonly kid: string
  readonly alg: SigningAlg
  /** With kid, alg and use. */
  readonly publicJwk: JWK
  readonly privateJwk: JWK
}

const OPTIONS: Readonly<Record<SigningAlg, GenerateKeyPairOptions>> = {
  ES256: {},
  EdDSA: { crv: 'Ed25519' },
  /** Bits. Enough until 2030 (NIST SP 800-57, part 1); more would make each signature a good deal dearer. */
  RS256: { modulusLength: 2048 },
}

/** Web Crypto makes it in a thread of its own: finding two primes takes long, and requests must not wait for it. */
export async function makeSigningKey(alg: SigningAlg): Promise<MadeSigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { ...OPTIONS[alg], extractable: true })
  const bare = await exportJWK(publicKey)
  const named = { kid: await calculateJwkThumbprint(bare), alg, use: 'sig' }
  return {
    kid: named.kid,
    alg,
    publicJwk: { ...bare, ...named },
    privateJwk: { ...(await exportJWK(privateKey)), ...named },
  }
}
