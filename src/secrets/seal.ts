/**
 * How secrets that must be read again (private keys, session payloads, HMAC keys) are stored: a compact JWE (RFC 7516),
 * alg `dir`, enc `A256GCM`, `kid` the id of the master secret.
 */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import type { Keyring } from './keyring.ts'

/** @param value anything JSON can hold */
export async function seal(keyring: Keyring, value: unknown): Promise<string> {
  const [key] = keyring.derive('seal')
  if (!key) throw new Error('The keyring is empty.')
  return new CompactEncrypt(Buffer.from(JSON.stringify(value)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.id })
    .encrypt(key.key)
}

/** @throws Error when no master secret fits, or the text was changed. The message never holds the text. */
export async function unseal<T>(keyring: Keyring, sealed: string): Promise<T> {
  const { plaintext } = await compactDecrypt(
    sealed,
    ({ kid }) => {
      const key = keyring.derive('seal').find(({ id }) => id === kid)
      if (key) return key.key
      throw new Error(`Sealed with a master secret that is not in LATCHKEY_SECRETS (its id is ${kid}).`)
    },
    { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
  )
  return JSON.parse(Buffer.from(plaintext).toString()) as T
}

/** The id of the master secret that `sealed` was sealed with. Opens nothing. */
export function sealedWith(sealed: string): string {
  return decodeProtectedHeader(sealed).kid ?? ''
}

/** Whether it is sealed as it would be now. */
export function isNewestSeal(keyring: Keyring, sealed: string): boolean {
  return sealedWith(sealed) === keyring.derive('seal')[0]?.id
}
