/**
 * Master secrets outside production: made once, kept in DATA_DIR where only this user can read them. In production they
 * come from LATCHKEY_SECRETS and this file is never written.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Reads the secrets of `dataDir`, making one at the first start. Two processes that start at once agree: the file is
 * created exclusively.
 * @throws Error when the file does not hold 32-byte secrets in base64url, one a line
 */
export function ensureSecretsFile(dataDir: string): Buffer[] {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, 'secrets')
  try {
    writeFileSync(path, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  chmodSync(path, 0o600)
  const secrets = readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => Buffer.from(line, 'base64url'))
  if (secrets.length === 0 || secrets.some(secret => secret.length !== 32))
    throw new Error(`${path} must hold secrets of 32 bytes in base64url, one a line, newest first.`)
  return secrets
}
