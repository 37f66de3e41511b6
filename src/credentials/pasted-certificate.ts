/** A certificate as people paste it: PEM, with whatever `openssl x509 -text` writes above it. */
import { type ClientCertificate, readClientCertificate } from '../http/client-certificate.ts'

/** Completes the sentence that a field's name begins. */
export interface CertificateMistake {
  readonly mistake: string
}

const MARKER = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g
const LONGEST = 32_768

const PRIVATE_KEY: CertificateMistake = {
  mistake: 'has a private key in it: give the certificate alone, and the key to nobody',
}

export function readPastedCertificate(text: string): ClientCertificate | CertificateMistake {
  if (text.includes('PRIVATE KEY-----')) return PRIVATE_KEY
  const count = text.length > LONGEST ? 0 : [...text.matchAll(MARKER)].length
  if (count > 1) return { mistake: 'must be one certificate: of a chain, the client’s own' }
  const certificate = count === 1 ? readClientCertificate(text) : undefined
  return certificate ?? { mistake: 'must be a certificate in PEM: -----BEGIN CERTIFICATE-----' }
}

/** The thumbprint of a certificate (`x5t#S256`): from the certificate, or as it is, or as OpenSSL writes a SHA-256. */
export function thumbprintIn(text: string): { readonly thumbprint: string } | CertificateMistake {
  const bare = text.trim().replace(/^sha256 fingerprint=/i, '')
  if (/^[\w-]{43}$/.test(bare)) return { thumbprint: bare }
  const hex = bare.replaceAll(':', '')
  if (/^[0-9a-f]{64}$/i.test(hex)) return { thumbprint: Buffer.from(hex, 'hex').toString('base64url') }
  if (text.includes('-----BEGIN')) return readPastedCertificate(text)
  return { mistake: 'must be a certificate in PEM, or its SHA-256 fingerprint' }
}
