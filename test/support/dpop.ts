// A caller that holds a key (RFC 9449): its thumbprint, and proofs, good ones or with something wrong in them.
import { execFileSync } from 'node:child_process'
import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface ProofRequest {
  readonly method: string
  readonly url: string
  readonly nonce?: string | undefined
  /** The access token it is shown with. */
  readonly token?: string | undefined
  /** In the place of what belongs there; undefined leaves it out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

export interface ProofKey {
  readonly jkt: string
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  proof(request: ProofRequest): Promise<string>
}

export async function proofKey(alg = 'ES256'): Promise<ProofKey> {
  return proofKeyOf(alg, await generateKeyPair(alg, { extractable: true }))
}

/** An RSA key that is good but for its public exponent, which is larger than anybody's. */
export async function costlyProofKey(): Promise<ProofKey> {
  const size = ['-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', `rsa_keygen_pubexp:${2n ** 40n + 15n}`]
  const pem = execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', ...size], { stdio: 'pipe' }).toString()
  const privateKey = createPrivateKey(pem)
  return proofKeyOf('RS256', { publicKey: createPublicKey(privateKey), privateKey })
}

type Key = CryptoKey | KeyObject

async function proofKeyOf(
  alg: string,
  { publicKey, privateKey }: { readonly publicKey: Key; readonly privateKey: Key },
): Promise<ProofKey> {
  const publicJwk = await exportJWK(publicKey)
  return {
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    jkt: await calculateJwkThumbprint(publicJwk),
    async proof({ method, url, nonce, token, claims, header }) {
      const payload = {
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat: Math.floor(Date.now() / 1000),
        nonce,
        ...(token !== undefined && { ath: createHash('sha256').update(token).digest('base64url') }),
        ...claims,
      }
      return (
        new SignJWT(payload)
          .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: publicJwk, ...header })
          // So that one can be made with something critical that nobody else knows.
          .sign(privateKey, { crit: { unheard_of: true } })
      )
    },
  }
}
