/** What stands in a certificate (RFC 5280, section 4.1), read with an ASN.1 library: nothing is ever taken from a text form. */
import { hash } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { type AttributeValue, Certificate, type Name } from '@peculiar/asn1-x509'

export interface CertificateExtension {
  readonly critical: boolean
  /** DER. */
  readonly value: ArrayBuffer
}

export interface NameAttribute {
  /** An OID, with dots. */
  readonly type: string
  readonly value: string
}

/** In the order of the certificate. A part may have several attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[]

export interface CertificateParts {
  readonly subject: DistinguishedName
  readonly issuer: DistinguishedName
  readonly signatureAlgorithm: { readonly oid: string; readonly parameters: Buffer }
  /** By OID. */
  readonly extensions: ReadonlyMap<string, CertificateExtension>
}

/**
 * The same certificates come again and again, and reading one takes most of a millisecond.
 * @param read depends on nothing else
 */
export function oncePerCertificate<T>(read: (der: Buffer) => T): (der: Buffer) => T {
  const known = new Map<string, { readonly value: T }>()
  return der => {
    const digest = hash('sha256', der, 'base64')
    const before = known.get(digest)
    if (before) return before.value
    // Also that it cannot be read: the same bad ones come again, too.
    const value = read(der)
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(digest, { value })
    return value
  }
}

const MAX_KNOWN = 500

/** @returns undefined for what is malformed, also for an extension that is there twice (section 4.2) */
export const readParts = oncePerCertificate((der: Buffer): CertificateParts | undefined => {
  try {
    const { tbsCertificate, signatureAlgorithm } = parseAsn(der, Certificate)
    const list = tbsCertificate.extensions ?? []
    const extensions = new Map(
      list.map(({ extnID, critical, extnValue }) => [extnID, { critical, value: extnValue.buffer }]),
    )
    if (extensions.size < list.length) return undefined
    return {
      subject: nameOf(tbsCertificate.subject),
      issuer: nameOf(tbsCertificate.issuer),
      signatureAlgorithm: {
        oid: signatureAlgorithm.algorithm,
        parameters: Buffer.from(signatureAlgorithm.parameters ?? new ArrayBuffer(0)),
      },
      extensions,
    }
  } catch {
    // The certificate is somebody's: whatever makes the parser fail, it is the certificate that is bad.
    return undefined
  }
})

/** Hundreds of names are nobody's, and the library takes a tenth of a millisecond for each. */
const MOST_ELEMENTS = 500

/** @throws Error for what is malformed, no DER, or has too many elements */
export function parseAsn<T>(der: Uint8Array | ArrayBuffer, type: new () => T): T {
  if (!isModest(new Uint8Array(der))) throw new Error('Malformed, or more than a certificate has')
  return AsnConvert.parse(der, type)
}

const CONSTRUCTED = 0x20
const LONG_TAG = 0x1f

/** Counts by tags and lengths alone (X.690, section 8.1): tags of one byte, and lengths that are said, as in certificates. */
function isModest(der: Uint8Array): boolean {
  let at = 0
  for (let elements = 0; at < der.length; elements++) {
    const tag = der[at++] ?? 0
    const first = der[at++] ?? 0
    if (elements > MOST_ELEMENTS || (tag & LONG_TAG) === LONG_TAG) return false
    if (first === 0x80 || first > 0x84) return false
    let length = first
    if (first > 0x80) {
      length = 0
      for (const end = at + first - 0x80; at < end; at++) length = length * 256 + (der[at] ?? 0)
    }
    // What is in a constructed one comes next.
    if ((tag & CONSTRUCTED) === 0) at += length
  }
  return at === der.length
}

export function nameOf(name: Name): DistinguishedName {
  return [...name].map(part => [...part].map(({ type, value }) => ({ type, value: textOf(value) })))
}

/** A value that is no text is like none that anybody could write. */
function textOf({ anyValue, ...texts }: AttributeValue): string {
  const text = Object.values(texts).find(one => typeof one === 'string')
  return text ?? `\0${Buffer.from(anyValue ?? new ArrayBuffer(0)).toString('hex')}`
}
