import { randomBytes } from 'node:crypto'

/** A new unguessable value from the CSPRNG, base64url. 32 bytes (256 bits) unless told otherwise. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
