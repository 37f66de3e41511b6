/**
 * Whether an authority that somebody trusts has issued a client's certificate: path validation of RFC 5280, section 6.1,
 * for certificates that authenticate clients of TLS. Signatures are verified by OpenSSL, what stands in the certificates
 * is judged in certificate-link.ts. Certificate policies never fail here: nobody asks for one. There are no revocation lists
 * (docs/client-certificates.md says what to do instead).
 */
import { clientMistake, issuerMistake, type Link, nameMistake, readLink } from './certificate-link.ts'
import { type ClientCertificate, pemCertificates } from './client-certificate.ts'

export type Issued = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** Certificates between the client's and the trusted one. */
const MAX_DEPTH = 6
/** Signatures that are verified for one certificate, whatever came with it. */
const MAX_VERIFICATIONS = 32

/**
 * @param certificate with what the client sent along, in any order
 * @param authorities PEM, one or several certificates each: trusted as they are, whoever issued them
 * @returns why not: for the log, and for whoever owns the certificate
 */
export function isIssuedBy(
  certificate: Pick<ClientCertificate, 'der' | 'chain'>,
  authorities: readonly string[],
  now: Date,
): Issued {
  const client = readLink(certificate.der)
  if (!client) return no('the certificate is malformed')
  const unsuitable = clientMistake(client, now)
  if (unsuitable !== undefined) return no(unsuitable)
  const anchors = authorities.flatMap(readAuthorities)
  if (anchors.some(({ der }) => der.equals(client.der))) return no("it is an authority's own certificate")
  const between = certificate.chain.flatMap(der => readLink(der) ?? [])
  return search(client, { anchors, between, now })
}

const no = (reason: string): Issued => ({ ok: false, reason })

interface Known {
  readonly anchors: readonly Link[]
  readonly between: readonly Link[]
  readonly now: Date
}

/** Depth first; the reason is of the path that got furthest. */
function search(client: Link, { anchors, between, now }: Known): Issued {
  let left = MAX_VERIFICATIONS
  let reason = 'no trusted authority has issued it'
  const isSigned = (link: Link, issuer: Link) => {
    if (!link.names(issuer) || left === 0) return false
    if (!issuer.isStrong) {
      reason = 'the key of an authority is too weak'
      return false
    }
    left--
    return link.isSignedBy(issuer)
  }
  /** @param path from the client's up to the one whose issuer is looked for */
  const goOn = (path: readonly Link[]): boolean => {
    const last = path.at(-1) ?? client
    if (!last.isSignedStrongly) {
      reason = 'it is signed with an algorithm that is too weak'
      return false
    }
    const isNew = (link: Link) => !path.some(({ der }) => der.equals(link.der))
    for (const issuer of [...anchors, ...(path.length > MAX_DEPTH ? [] : between)].filter(isNew)) {
      if (!isSigned(last, issuer)) continue
      const longer = [...path, issuer]
      const isTrusted = anchors.includes(issuer)
      const mistake = issuerMistake(issuer, path, now) ?? (isTrusted ? nameMistake(longer) : undefined)
      if (mistake === undefined && (isTrusted || goOn(longer))) return true
      if (mistake !== undefined) reason = mistake
    }
    return false
  }
  return goOn([client]) ? { ok: true } : no(left === 0 ? 'too many certificates came with it' : reason)
}

function readAuthorities(pem: string): Link[] {
  return (pemCertificates(pem) ?? []).flatMap(der => readLink(der) ?? [])
}
