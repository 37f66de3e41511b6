/**
 * One certificate of a path, and what RFC 5280 asks of it there: of each (6.1.3), of an issuer (6.1.4), of the client's own.
 * What is not understood and marked critical is refused.
 */
import { X509Certificate } from 'node:crypto'
import {
  BasicConstraints,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_kp_clientAuth,
  KeyUsage,
  KeyUsageFlags,
  NameConstraints,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509'
import { RSA_BITS, RSA_EXPONENT_BELOW } from '../secrets/rsa-bounds.ts'
import { constraintMistake, type NamedCertificate } from './certificate-name-constraints.ts'
import { type CertificateParts, oncePerCertificate, parseAsn, readParts } from './certificate-parts.ts'

export interface Link extends NamedCertificate {
  readonly der: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  /** Issued by somebody of its own name: such a one does not count for the length of a path. */
  readonly isSelfIssued: boolean
  /** Extensions that nobody here understands, or that are malformed. */
  readonly mistake: string | undefined
  readonly isAuthority: boolean
  /** How many more authorities may follow below it. */
  readonly pathLength: number
  /** What its key is for; undefined: anything. */
  readonly keyUsage: number | undefined
  readonly purposes: readonly string[] | undefined
  /** For which names it may issue; undefined: any. */
  readonly constraints: NameConstraints | undefined
  readonly isStrong: boolean
  readonly isSignedStrongly: boolean
  /** Whether it says that the other one is its issuer. */
  names(issuer: Link): boolean
  isSignedBy(issuer: Link): boolean
  /** For the other links only. */
  readonly x509: X509Certificate
}

const UNDERSTOOD: ReadonlySet<string> = new Set([
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
  id_ce_nameConstraints,
  // Only a policy that must be there could fail, and none must (policy constraints are not understood).
  id_ce_certificatePolicies,
])

const ANY_PURPOSE = '2.5.29.37.0'

/** @returns undefined when it is no certificate */
export const readLink = oncePerCertificate((der: Buffer): Link | undefined => {
  const parts = readParts(der)
  if (!parts) return undefined
  try {
    const x509 = new X509Certificate(der)
    const { mistake, ...extensions } = readExtensions(parts)
    const { oid, parameters } = parts.signatureAlgorithm
    const keyType = SIGNATURES.get(oid)
    // One certificate is held against several registrations, with the same ones above it.
    const signers = new WeakMap<Link, boolean>()
    return {
      der,
      x509,
      subject: parts.subject,
      notBefore: x509.validFromDate,
      notAfter: x509.validToDate,
      isSelfIssued: JSON.stringify(parts.subject) === JSON.stringify(parts.issuer),
      mistake,
      ...extensions,
      isStrong: isStrong(x509),
      isSignedStrongly:
        keyType !== undefined && (oid !== RSA_PSS || STRONG_PSS.test(parameters.toString('hex'))),
      names: issuer => x509.checkIssued(issuer.x509),
      isSignedBy(issuer) {
        const before = signers.get(issuer)
        if (before !== undefined) return before
        const { publicKey } = issuer.x509
        // OpenSSL is not asked about a signature of another type than the key.
        const isSigned = keyType?.test(publicKey.asymmetricKeyType ?? '') === true && x509.verify(publicKey)
        signers.set(issuer, isSigned)
        return isSigned
      },
    }
  } catch {
    // A key of an unknown type, for instance: nothing can be said about this certificate.
    return undefined
  }
})

type Extensions = Pick<
  Link,
  'mistake' | 'isAuthority' | 'pathLength' | 'keyUsage' | 'purposes' | 'constraints' | 'alternativeNames'
>

function readExtensions({ extensions }: CertificateParts): Extensions {
  const parsed = <T>(oid: string, type: new () => T): T | undefined => {
    const extension = extensions.get(oid)
    return extension && parseAsn(extension.value, type)
  }
  const strange = [...extensions].find(([oid, { critical }]) => critical && !UNDERSTOOD.has(oid))?.[0]
  try {
    const basic = parsed(id_ce_basicConstraints, BasicConstraints)
    const purposes = parsed(id_ce_extKeyUsage, ExtendedKeyUsage)
    return {
      mistake: strange && `has the critical extension ${strange}, which is not known`,
      isAuthority: basic?.cA === true,
      pathLength: basic?.pathLenConstraint ?? Number.POSITIVE_INFINITY,
      keyUsage: parsed(id_ce_keyUsage, KeyUsage)?.toNumber(),
      purposes: purposes && [...purposes],
      constraints: parsed(id_ce_nameConstraints, NameConstraints),
      alternativeNames: [...(parsed(id_ce_subjectAltName, SubjectAlternativeName) ?? [])],
    }
  } catch {
    const nothing = { isAuthority: false, pathLength: 0, keyUsage: 0, purposes: [], alternativeNames: [] }
    return { ...nothing, constraints: undefined, mistake: 'has an extension that is malformed' }
  }
}

const RSA_PSS = '1.2.840.113549.1.1.10'

/** Signatures with SHA-256 or better, and the types of keys that make them. */
const SIGNATURES: ReadonlyMap<string, RegExp> = new Map([
  ...['1.2.840.113549.1.1.11', '1.2.840.113549.1.1.12', '1.2.840.113549.1.1.13'].map(
    oid => [oid, /^rsa$/] as const,
  ),
  [RSA_PSS, /^rsa(?:-pss)?$/],
  ...['1.2.840.10045.4.3.2', '1.2.840.10045.4.3.3', '1.2.840.10045.4.3.4'].map(oid => [oid, /^ec$/] as const),
  ['1.3.101.112', /^ed25519$/],
  ['1.3.101.113', /^ed448$/],
])

/** RSASSA-PSS-params (RFC 4055, section 3.1) whose hash is there and is SHA-256, -384 or -512: the default is SHA-1. */
const STRONG_PSS = /^30[0-7].a0[01].30[01].06096086480165030402(?:01|02|03)/

const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1', 'secp521r1']

function isStrong({
  publicKey: { asymmetricKeyType: type, asymmetricKeyDetails: details },
}: X509Certificate) {
  if (type === 'rsa' || type === 'rsa-pss') {
    const { modulusLength = 0, publicExponent = 0n } = details ?? {}
    const { least, most } = RSA_BITS
    return modulusLength >= least && modulusLength <= most && publicExponent < RSA_EXPONENT_BELOW
  }
  return type === 'ec' ? CURVES.includes(details?.namedCurve) : type === 'ed25519' || type === 'ed448'
}

const permits = (keyUsage: number | undefined, flag: number) =>
  keyUsage === undefined || (keyUsage & flag) !== 0

const isForClients = ({ purposes }: Link) =>
  purposes === undefined || purposes.includes(id_kp_clientAuth) || purposes.includes(ANY_PURPOSE)

/** What is wrong with the client's own certificate. */
export function clientMistake(link: Link, now: Date): string | undefined {
  const { keyUsage, mistake } = link
  return firstOf([
    [mistake !== undefined, `the certificate ${mistake}`],
    [now < link.notBefore, 'the certificate is not valid yet'],
    [now > link.notAfter, 'the certificate has expired'],
    [!link.isStrong, 'the key of the certificate is too weak'],
    [!isForClients(link), 'the certificate is not for clients (extended key usage)'],
    [!permits(keyUsage, KeyUsageFlags.digitalSignature), 'its key is not for signatures (key usage)'],
  ])
}

/** What is wrong with an issuer. @param below from the client's own certificate up to the one that it issued */
export function issuerMistake(issuer: Link, below: readonly Link[], now: Date): string | undefined {
  const { mistake, keyUsage, pathLength } = issuer
  const authorities = below.slice(1).filter(({ isSelfIssued }) => !isSelfIssued)
  return firstOf([
    [mistake !== undefined, `an authority ${mistake}`],
    [now < issuer.notBefore, 'the certificate of an authority is not valid yet'],
    [now > issuer.notAfter, 'the certificate of an authority has expired'],
    [!issuer.isStrong, 'the key of an authority is too weak'],
    [!issuer.isAuthority, 'its issuer is no authority (basic constraints)'],
    [!permits(keyUsage, KeyUsageFlags.keyCertSign), 'its issuer may not sign certificates (key usage)'],
    [!isForClients(issuer), 'its issuer does not issue for clients (extended key usage)'],
    [authorities.length > pathLength, 'there are more authorities below one than it allows (path length)'],
  ])
}

/**
 * Whether each authority of a path may issue for the names below it. Only for a path that ends at a trusted one: what a
 * stranger has put into certificates of his own is nobody's work to compare.
 */
export function nameMistake(path: readonly Link[]): string | undefined {
  for (const [at, { constraints }] of path.entries()) {
    if (!constraints) continue
    for (const one of path.slice(0, at).filter(({ isSelfIssued }, below) => below === 0 || !isSelfIssued)) {
      const unnamed = constraintMistake(constraints, one)
      if (unnamed !== undefined) return `an authority ${unnamed}`
    }
  }
  return undefined
}

function firstOf(mistakes: readonly (readonly [holds: boolean, text: string])[]): string | undefined {
  return mistakes.find(([holds]) => holds)?.[1]
}
