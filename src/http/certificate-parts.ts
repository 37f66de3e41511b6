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
  const known = new Map<string, T>()
  return der => {
    const digest = hash('sha256', der, 'base64')
    const before = known.get(digest)
    if (before !== undefined) return before
    const made = read(der)
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(digest, made)
    return made
  }
}

const MAX_KNOWN = 500

/** @returns undefined for what is malformed, also for an extension that is there twice (section 4.2) */
export const readParts = oncePerCertificate((der: Buffer): CertificateParts | undefined => {
  try {
    const { tbsCertificate, signatureAlgorithm } = AsnConvert.parse(der, Certificate)
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

export function nameOf(name: Name): DistinguishedName {
  return [...name].map(part => [...part].map(({ type, value }) => ({ type, value: textOf(value) })))
}

/** A value that is no text is like none that anybody could write. */
function textOf({ anyValue, ...texts }: AttributeValue): string {
  const text = Object.values(texts).find(one => typeof one === 'string')
  return text ?? `\0${Buffer.from(anyValue ?? new ArrayBuffer(0)).toString('hex')}`
}
