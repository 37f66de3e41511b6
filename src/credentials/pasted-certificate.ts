/** Certificates as people paste them: PEM, with whatever `openssl x509 -text` writes above it. */
import { readLink } from '../http/certificate-link.ts'
import { type ClientCertificate, readClientCertificate } from '../http/client-certificate.ts'

/** Completes the sentence that a field's name begins. */
export interface CertificateMistake {
  readonly mistake: string
}

const MARKER = /-----BEGIN CERTIFICATE-----/g
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g
const LONGEST = 32_768
const MOST_AUTHORITIES = 10

const PRIVATE_KEY: CertificateMistake = {
  mistake: 'has a private key in it: give the certificate alone, and the key to nobody',
}

export function readPastedCertificate(text: string): ClientCertificate | CertificateMistake {
  if (text.includes('PRIVATE KEY-----')) return PRIVATE_KEY
  const count = text.length > LONGEST ? 0 : [...text.matchAll(MARKER)].length
  if (count > 1) return { mistake: 'must be one certificate: of a chain, the client’s own' }
  const [block] = count === 1 ? (text.match(BLOCK) ?? []) : []
  const certificate = block === undefined ? undefined : readClientCertificate(block)
  return certificate ?? { mistake: 'must be a certificate in PEM: -----BEGIN CERTIFICATE-----' }
}

/** One or several certificates of authorities. @returns them in PEM, with nothing between them */
export function readPastedAuthorities(text: string): string | CertificateMistake {
  if (text.includes('PRIVATE KEY-----')) return PRIVATE_KEY
  const none = { mistake: 'must be the certificate of an authority in PEM: -----BEGIN CERTIFICATE-----' }
  const count = text.length > LONGEST ? 0 : [...text.matchAll(MARKER)].length
  if (count > MOST_AUTHORITIES) return { mistake: `must have at most ${MOST_AUTHORITIES} certificates` }
  const found = [...text.matchAll(BLOCK)].flatMap(([block]) => readClientCertificate(block) ?? [])
  if (found.length === 0 || found.length < count) return none
  const unfit = found.map(authorityMistake).find(mistake => mistake !== undefined)
  return unfit === undefined ? found.map(({ der }) => pemOf(der)).join('') : { mistake: unfit }
}

/** What keeps it from ever having issued a certificate that is taken. */
function authorityMistake({ der }: ClientCertificate): string | undefined {
  const link = readLink(der)
  if (link && !link.isAuthority)
    return 'must be the certificate of an authority: it is one that may issue none'
  return link?.mistake ?? keyMistake(der)
}

/** A key that is not taken, whoever has issued the certificate. */
export function keyMistake(der: Buffer): string | undefined {
  const link = readLink(der)
  if (!link) return 'has a key, or something else in it, that is not known'
  return link.isStrong
    ? undefined
    : 'has a key that is too weak: take EC on P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits and more'
}

/** RFC 7468, section 5.1. */
export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{1,64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`
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
