/** The value of a rotated refresh token: derived from the spent one, so that the same use gives the same successor. */
import { createHmac } from 'node:crypto'
import { Provider } from 'oidc-provider'
import type { Keyring } from '../secrets/keyring.ts'

interface Rotation {
  /** Hash of the spent token. */
  readonly hash: Buffer
  /** The master secret that was newest when the spent token was issued. */
  readonly keyId: string
}

const rotations = new WeakMap<object, Rotation>()

/** Notes, for this request, which token was spent. Called by the store before the successor is made. */
export function rememberRotation(rotation: Rotation): void {
  const ctx = Provider.ctx
  if (!ctx) throw new Error('refresh tokens are used only within a request')
  rotations.set(ctx, rotation)
}

/** What this request has spent, if anything. */
export function rotatedToken(): Rotation | undefined {
  return Provider.ctx && rotations.get(Provider.ctx)
}

/**
 * base64url(HMAC-SHA-256(key derived from the master secret `keyId`, spent token)): 256 bits.
 * @throws Error when the master secret that was in use is no longer in LATCHKEY_SECRETS.
 */
export function deriveSuccessor(keyring: Keyring, keyId: string, spent: string): string {
  const derived = keyring.derive('refresh').find(({ id }) => id === keyId)
  if (!derived) throw new Error(`the master secret ${keyId} is gone, so this refresh token has no successor`)
  return createHmac('sha256', derived.key).update(spent).digest('base64url')
}
