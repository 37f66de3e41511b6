/**
 * Whether a certificate could fit two registrations. Which of them counts is decided when it is shown (client-certificate.ts);
 * here it is found out before, so that nobody's service becomes somebody else's client unnoticed. An intermediate
 * certificate that only the connection shows is not seen here.
 */
import { isIssuedBy } from '../http/certificate-chain.ts'
import { namesOf } from '../http/certificate-names.ts'
import { type ClientCertificate, pemCertificates, readClientCertificate } from '../http/client-certificate.ts'
import {
  handleOfName,
  handlesOf,
  isPinned,
  isSameName,
  type NamedCertificate,
  type PinnedCertificate,
  type RegisteredCertificate,
} from './registered-certificate.ts'

/** What it is stored under: what a request shows that fits it, and what others that could fit the same have. */
export function storedHandles(registered: RegisteredCertificate): string[] {
  if (!isPinned(registered)) return [handleOfName(registered.san)]
  return handlesOf(registered.thumbprint, namesIn(registered))
}

export function couldMeet(one: RegisteredCertificate, other: RegisteredCertificate, now: Date): boolean {
  if (isPinned(one)) return isPinned(other) ? one.thumbprint === other.thumbprint : fits(one, other, now)
  if (isPinned(other)) return fits(other, one, now)
  const authorities = authoritiesOf(other)
  return isSameName(one.san, other.san) && authoritiesOf(one).some(one => authorities.includes(one))
}

/** The thumbprints of its authorities. */
export const authoritiesOf = ({ ca }: NamedCertificate): string[] =>
  (pemCertificates(ca) ?? []).flatMap(der => readClientCertificate(der)?.thumbprint ?? [])

/** Whether it fits the registration. */
export function isOne(certificate: ClientCertificate, registered: RegisteredCertificate, now: Date): boolean {
  if (isPinned(registered)) return certificate.thumbprint === registered.thumbprint
  const { ca, san } = registered
  return namesOf(certificate).some(name => isSameName(name, san)) && isIssuedBy(certificate, [ca], now).ok
}

function fits(pinned: PinnedCertificate, named: NamedCertificate, now: Date): boolean {
  const certificate = readClientCertificate(pinned.certificate)
  return certificate !== undefined && isOne(certificate, named, now)
}

function namesIn({ certificate }: PinnedCertificate) {
  const read = readClientCertificate(certificate)
  return read ? namesOf(read) : []
}
