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

/** More is nobody's certificate, and work for whoever reads it. */
const MAX_BYTES = 16 * 1024

/**
 * @param encoded one certificate, PEM or DER
 * @returns undefined when it is none, or more than one
 */
export function readClientCertificate(
  encoded: string | Buffer,
  chain: readonly Buffer[] = [],
): ClientCertificate | undefined {
  const one = typeof encoded === 'string' ? pemCertificates(encoded) : [encoded]
  const [der] = one ?? []
  if (one?.length !== 1 || !der || der.length > MAX_BYTES) return undefined
  let read: X509Certificate
  try {
    read = new X509Certificate(der)
  } catch {
    // Whatever is wrong with it: the caller says where it came from.
    return undefined
  }
  const { raw, validFromDate: notBefore, validToDate: notAfter } = read
  // The reader stops where the certificate ends: what follows would be in nobody's thumbprint.
  if (!raw.equals(der)) return undefined
  if (Number.isNaN(notBefore.getTime()) || Number.isNaN(notAfter.getTime())) return undefined
  const thumbprint = createHash('sha256').update(raw).digest('base64url')
  return { der: raw, thumbprint, notBefore, notAfter, chain }
}

export function isInTime({ notBefore, notAfter }: ClientCertificate, now: Date): boolean {
  return notBefore <= now && now <= notAfter
}

const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'

/**
 * The certificates of a PEM text, in DER and in order: each between its two lines, and nothing beside them but white space
 * (RFC 7468). Whether they are certificates is not looked at.
 */
export function pemCertificates(text: string): Buffer[] | undefined {
  const [before = '', ...blocks] = text.split(BEGIN)
  if (before.trim() !== '') return undefined
  const found: Buffer[] = []
  for (const block of blocks) {
    const [body = '', after, ...more] = block.split(END)
    const der = base64Bytes(body.replace(/\s/g, ''))
    if (!der || after === undefined || after.trim() !== '' || more.length > 0) return undefined
    found.push(der)
  }
  return found
}

/** Only what an encoder would write: one spelling for each. */
export function base64Bytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}
