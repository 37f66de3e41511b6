/**
 * Provider documents that hold secrets of others (form tokens, hints, the parameters of a request) are kept sealed,
 * and never hold their own id.
 */
import type { AdapterPayload } from 'oidc-provider'
import type { Keyring } from '../secrets/keyring.ts'
import { seal, unseal } from '../secrets/seal.ts'

/** Seals `payload` without its id. */
export function sealDocument(keyring: Keyring, { jti: _id, ...rest }: AdapterPayload): Promise<string> {
  return seal(keyring, rest)
}

/** Opens a sealed document; `exp` is what the database's column says. */
export async function unsealDocument(
  keyring: Keyring,
  sealed: string,
  expiresAt: Date,
): Promise<AdapterPayload> {
  return { ...(await unseal<AdapterPayload>(keyring, sealed)), exp: epoch(expiresAt) }
}

/** Seconds since 1970, as JWTs count. */
export function epoch(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
