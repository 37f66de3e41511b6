// A caller that holds a key (RFC 9449): its thumbprint, and proofs, good ones or with something wrong in them.
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

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
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
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
