// Whether an authority has issued a certificate, as we say and as OpenSSL says.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isIssuedBy } from '../../src/http/certificate-chain.ts'
import { pemCertificates } from '../../src/http/client-certificate.ts'
import type { Holder } from './certificates.ts'

/** What we say: `issued`, or why not. @param trusted PEM */
export function verdict(holder: Pick<Holder, 'chain'>, trusted: readonly string[], now = new Date()): string {
  const [der = Buffer.alloc(0), ...chain] = pemCertificates(holder.chain) ?? []
  const issued = isIssuedBy({ der, chain }, trusted, now)
  return issued.ok ? 'issued' : issued.reason
}

/** @param trusted as they are, which OpenSSL calls partial chains */
export function isGoodForOpenssl({ chain }: Pick<Holder, 'chain'>, trusted: readonly string[]): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-verify-'))
  try {
    const [first = '', ...above] = chain.split(/(?=-----BEGIN)/)
    const files = { 'cert.pem': first, 'above.pem': above.join('') || first, 'trusted.pem': trusted.join('') }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
    const options = [
      '-purpose',
      'sslclient',
      '-partial_chain',
      '-no-CApath',
      '-no-CAstore',
      '-auth_level',
      '2',
    ]
    const given = ['-CAfile', 'trusted.pem', '-untrusted', 'above.pem', 'cert.pem']
    execFileSync('openssl', ['verify', ...options, ...given], { cwd: directory, stdio: 'ignore' })
    return true
  } catch {
    // It says so by its exit code.
    return false
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
