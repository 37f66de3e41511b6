/** The names of a certificate: those that a client can be known by. Each stands for itself, whatever characters it has. */
import { id_ce_subjectAltName, SubjectAlternativeName } from '@peculiar/asn1-x509'
import { type DistinguishedName, oncePerCertificate, parseAsn, readParts } from './certificate-parts.ts'
import { normalAddress } from './client-address.ts'
import type { ClientCertificate } from './client-certificate.ts'

export interface SubjectAltName {
  readonly type: 'dns' | 'uri' | 'email' | 'ip'
  readonly value: string
}

/** Its subject, as it is; empty when there is none or it cannot be read. */
export function subjectOf({ der }: Pick<ClientCertificate, 'der'>): DistinguishedName {
  return readParts(der)?.subject ?? []
}

/**
 * The subject alternative names (RFC 5280, section 4.2.1.6) as they are compared: hosts in lower case, addresses in one
 * spelling. Left out are other types of name, and names with characters that are not visible ASCII: no host, URI or
 * address has them (NUL, which other software takes for the end, is one).
 */
export function namesOf({ der }: Pick<ClientCertificate, 'der'>): readonly SubjectAltName[] {
  return readNames(der)
}

const readNames = oncePerCertificate((der: Buffer): readonly SubjectAltName[] => {
  const extension = readParts(der)?.extensions.get(id_ce_subjectAltName)
  if (!extension) return []
  try {
    return [...parseAsn(extension.value, SubjectAlternativeName)].flatMap(name => {
      const { dNSName: dns, uniformResourceIdentifier: uri, rfc822Name: email, iPAddress: ip } = name
      if (dns !== undefined) return normal('dns', lower(dns))
      if (uri !== undefined) return normal('uri', uri)
      if (email !== undefined) return normal('email', email.replace(/@[^@]*$/, lower))
      return ip === undefined ? [] : normal('ip', normalAddress(ip) ?? '')
    })
  } catch {
    // As in readParts: it is the certificate that is bad.
    return []
  }
})

/** Not toLowerCase: other letters become ASCII ones by it. */
const lower = (text: string) => text.replace(/[A-Z]/g, letter => letter.toLowerCase())

function normal(type: SubjectAltName['type'], value: string): SubjectAltName[] {
  return /^[!-~]+$/.test(value) ? [{ type, value }] : []
}
