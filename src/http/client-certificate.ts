/** A certificate that a client showed, read from PEM or DER. What it may do is decided by whoever asks for it. */
import { createHash, X509Certificate } from 'node:crypto'

export interface ClientCertificate {
  readonly der: Buffer
  /** `x5t#S256`: the SHA-256 of `der` in base64url (RFC 8705, section 3.1). */
  readonly thumbprint: string
  /** Both are within its time (RFC 5280, section 4.1.2.5). */
  readonly notBefore: Date
  readonly notAfter: Date
  /** What came with it, in DER: certificates of those who issued it, as sent, checked by nobody yet. */
  readonly chain: readonly Buffer[]
}

/**
 * @param encoded one certificate, PEM or DER
 * @returns undefined when it is none
 */
export function readClientCertificate(
  encoded: string | Buffer,
  chain: readonly Buffer[] = [],
): ClientCertificate | undefined {
  let read: X509Certificate
  try {
    read = new X509Certificate(encoded)
  } catch {
    // Whatever is wrong with it: the caller says where it came from.
    return undefined
  }
  const { raw: der, validFromDate: notBefore, validToDate: notAfter } = read
  const thumbprint = createHash('sha256').update(der).digest('base64url')
  return { der, thumbprint, notBefore, notAfter, chain }
}

/** A date that cannot be read is never in time. */
export function isInTime({ notBefore, notAfter }: ClientCertificate, now: Date): boolean {
  return notBefore <= now && now <= notAfter
}
