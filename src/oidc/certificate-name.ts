/** Whether a certificate has the one name that a client with tls_client_auth registered (RFC 8705, section 2.1.2). */
import { isSameName, parseDistinguishedName } from '../clients/distinguished-name.ts'
import type { TlsClientAuth } from '../clients/tables.ts'
import { namesOf, type SubjectAltName, subjectOf } from '../http/certificate-names.ts'
import { normalAddress } from '../http/client-address.ts'
import type { ClientCertificate } from '../http/client-certificate.ts'

/** What is compared are the names themselves, each as it is: never a text in which several of them stand. */
export function hasName(
  certificate: Pick<ClientCertificate, 'der'>,
  { name, value }: TlsClientAuth,
): boolean {
  if (name === 'tls_client_auth_subject_dn') {
    const expected = parseDistinguishedName(value)
    return typeof expected !== 'string' && isSameName(subjectOf(certificate), expected)
  }
  const expected = alternativeName(name, value)
  return namesOf(certificate).some(({ type, value: has }) => type === expected.type && has === expected.value)
}

/** In the spelling in which those of the certificate are. A wildcard is a name like any other. */
function alternativeName(
  name: Exclude<TlsClientAuth['name'], 'tls_client_auth_subject_dn'>,
  value: string,
): SubjectAltName {
  switch (name) {
    case 'tls_client_auth_san_dns':
      return { type: 'dns', value: value.toLowerCase() }
    case 'tls_client_auth_san_uri':
      return { type: 'uri', value }
    case 'tls_client_auth_san_ip':
      return { type: 'ip', value: normalAddress(value) ?? '' }
    case 'tls_client_auth_san_email':
      return { type: 'email', value: value.replace(/@[^@]*$/, host => host.toLowerCase()) }
  }
}
