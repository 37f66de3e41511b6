/**
 * Identity tokens: what a proxy that has asked us gives to the API behind it, so that nobody else can tell that API who is
 * calling. A JWT of a type of its own (RFC 8725, section 3.11): no door of ours takes it for a credential.
 */
import { type CryptoKey, importJWK, SignJWT } from 'jose'
import type { SigningAlg } from '../secrets/signing-alg.ts'
import { randomToken } from '../secrets/token.ts'
import type { SigningKeySet } from './signing-key-set.ts'
import type { SigningKey } from './signing-keys.ts'

/** Seconds: it is made for one request that is on its way. */
export const IDENTITY_TOKEN_LIFETIME = 60

export interface IdentityTokens {
  /**
   * @param alg the one of the audience's tokens
   * @param audience the identifier of the resource that reads it
   * @param claims beside `iss`, `aud`, `iat`, `exp` and `jti`; what is undefined is left out
   */
  sign(alg: SigningAlg, audience: string, claims: Readonly<Record<string, unknown>>): Promise<string>
}

export function createIdentityTokens({
  issuer,
  signingKeys,
}: {
  issuer: string
  signingKeys: Pick<SigningKeySet, 'now'>
}): IdentityTokens {
  const imported = new WeakMap<SigningKey, CryptoKey | Uint8Array>()

  async function privateKeyOf(key: SigningKey): Promise<CryptoKey | Uint8Array> {
    const known = imported.get(key)
    if (known) return known
    const made = await importJWK(key.privateJwk, key.alg)
    imported.set(key, made)
    return made
  }

  return {
    async sign(alg, audience, claims) {
      // The current one of each algorithm comes first.
      const key = (await signingKeys.now()).keys.find(one => one.alg === alg)
      if (!key) throw new Error(`There is no signing key for ${alg}.`)
      const issuedAt = Math.floor(Date.now() / 1000)
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg, typ: 'identity+jwt', kid: key.kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setJti(randomToken(16))
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + IDENTITY_TOKEN_LIFETIME)
        .sign(await privateKeyOf(key))
    },
  }
}
