/** Client certificates on the wire. All of a certificate is public. */
import { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { namesOf, type SubjectAltName } from '../http/certificate-names.ts'
import { pemCertificates, readClientCertificate } from '../http/client-certificate.ts'
import { timeOut } from '../http/time-schema.ts'
import { certificateKeys } from './client-certificate-input.ts'
import type { ClientCredential } from './client-credential.ts'
import {
  clientCredentialJson,
  clientCredentialKeys,
  clientCredentialObjectKeys,
} from './client-credential-json.ts'
import { isPinned, registeredCertificate } from './registered-certificate.ts'

const name = z.partialRecord(z.enum(['dns', 'uri', 'email', 'ip']), z.string())

export const newCertificate = z
  .strictObject({ ...clientCredentialKeys, ...certificateKeys })
  .meta({ id: 'NewClientCertificate' })

export const certificateObject = z
  .strictObject({
    ...clientCredentialObjectKeys,
    certificate: z.string().nullable().describe('PEM'),
    ca: z.string().nullable().describe('PEM'),
    san: name.nullable(),
    proved: z
      .boolean()
      .describe(
        'Whoever registered it showed the certificate on that connection: it goes before those who did not',
      ),
    about: z
      .strictObject({
        subject: z.string(),
        names: z.array(name),
        not_before: timeOut,
        not_after: timeOut,
        'x5t#S256': z.string(),
      })
      .describe('What the certificate says, or the first one of the authority'),
  })
  .meta({ id: 'ClientCertificate' })

export function certificateJson(credential: ClientCredential): z.input<typeof certificateObject> {
  const registered = registeredCertificate.parse(credential.material)
  const pinned = isPinned(registered)
  const about = aboutCertificate(pinned ? registered.certificate : registered.ca)
  return {
    ...clientCredentialJson(credential),
    certificate: pinned ? registered.certificate : null,
    ca: pinned ? null : registered.ca,
    san: pinned ? null : nameJson(registered.san),
    proved: registered.proved === true,
    about: {
      subject: about.subject,
      names: about.names.map(nameJson),
      not_before: about.notBefore.toISOString(),
      not_after: about.notAfter.toISOString(),
      'x5t#S256': about.thumbprint,
    },
  }
}

const nameJson = ({ type, value }: SubjectAltName) => ({ [type]: value })

export interface AboutCertificate {
  /** RFC 4514; '' when it has none. */
  readonly subject: string
  readonly names: readonly SubjectAltName[]
  readonly notBefore: Date
  readonly notAfter: Date
  readonly thumbprint: string
}

/** @param pem that was read before. The first certificate in it counts */
export function aboutCertificate(pem: string): AboutCertificate {
  const [first] = pemCertificates(pem) ?? []
  const certificate = first && readClientCertificate(first)
  if (!certificate) throw new Error('A certificate that is stored cannot be read')
  const { notBefore, notAfter, thumbprint } = certificate
  const attributes: string | undefined = new X509Certificate(certificate.der).subject
  const subject = attributes?.split('\n').reverse().join(',') ?? ''
  return { subject, names: namesOf(certificate), notBefore, notAfter, thumbprint }
}
