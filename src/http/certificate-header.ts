/**
 * How proxies that end TLS tell of the client's certificate, one dialect for each. Only the dialect that the operator has
 * chosen is read, and only from a trusted proxy (shown-certificate.ts): a proxy overwrites the header it knows and passes on
 * all others as the client sent them.
 */
import { parseItem, parseList } from 'structured-headers'
import {
  base64Bytes,
  type ClientCertificate,
  pemCertificates,
  readClientCertificate,
} from './client-certificate.ts'
import { invalidRequest, type Problem } from './problem.ts'
import { bytesOf } from './structured-field.ts'

export const CERTIFICATE_HEADERS = ['rfc9440', 'nginx', 'caddy', 'traefik', 'envoy'] as const
export type CertificateHeader = (typeof CERTIFICATE_HEADERS)[number]

/** The first is the client's, the others came with it. undefined: not what this dialect writes. */
type Certificates = readonly Buffer[] | undefined

const NOTHING = Buffer.alloc(0)

interface Dialect {
  /** In lower case. The first has the certificate, a second one those above it. */
  readonly names: readonly [certificate: string, chain?: string]
  /** What the proxy writes where there is no certificate, beside nothing. */
  readonly none?: string
  /** @param certificate the header's value, not empty; @param chain the second header's, '' when it was not sent */
  read(certificate: string, chain: string): Certificates
}

const DIALECTS: Readonly<Record<CertificateHeader, Dialect>> = {
  // RFC 9440: structured fields, DER as a byte sequence.
  rfc9440: {
    names: ['client-cert', 'client-cert-chain'],
    read: (certificate, chain) => all([structured(certificate), ...structuredList(chain)]),
  },
  // $ssl_client_escaped_cert: PEM, percent-encoded. nginx has no variable with the chain.
  nginx: { names: ['x-ssl-client-cert'], read: certificate => exactlyOne(escapedPem(certificate)) },
  // {http.request.tls.client.certificate_der_base64}. Caddy has no placeholder with the chain.
  // Of a placeholder without a value Caddy 2.6 writes the name.
  caddy: {
    names: ['x-client-cert'],
    none: '{http.request.tls.client.certificate_der_base64}',
    read: certificate => all([base64Bytes(certificate)]),
  },
  // passTLSClientCert.pem: the body of each PEM without its lines, joined with commas; version 2 percent-encodes them.
  traefik: {
    names: ['x-forwarded-tls-client-cert'],
    read: certificate => all(certificate.split(',').map(one => base64Bytes(unescaped(one) ?? ''))),
  },
  // SANITIZE_SET with cert: true, and chain: true for those above it: PEM, percent-encoded.
  envoy: {
    names: ['x-forwarded-client-cert'],
    read(header) {
      const element = readElement(header)
      const chain = element?.get('chain')
      const certificate = element?.get('cert') ?? ''
      if (chain === undefined) return exactlyOne(escapedPem(certificate))
      const all = escapedPem(chain)
      // The chain begins with the certificate itself.
      const agree =
        certificate === '' || exactlyOne(escapedPem(certificate))?.[0]?.equals(all?.[0] ?? NOTHING)
      return agree ? all : undefined
    },
  },
}

/** The names that a dialect's proxy writes, in lower case. */
export function certificateHeaderNames(dialect: CertificateHeader): readonly string[] {
  return DIALECTS[dialect].names.filter(name => name !== undefined)
}

/** More above a certificate is no chain that anybody has. */
const MAX_CHAIN = 10

/**
 * @param valuesOf every value of the header, in order
 * @returns undefined when there is no certificate
 * @throws Problem 400 for anything else than this proxy would write
 */
export function readCertificateHeader(
  dialect: CertificateHeader,
  valuesOf: (name: string) => readonly string[],
): ClientCertificate | undefined {
  const { names, none, read } = DIALECTS[dialect]
  const [name, chainName] = names
  const certificate = onlyValue(name, valuesOf(name))
  const chain = chainName === undefined ? '' : valuesOf(chainName).join(', ').trim()
  if (certificate === '' || certificate === none) {
    if (chain === '') return undefined
    throw notReadable(chainName ?? name, 'there is no certificate below the chain')
  }
  const [first, ...above] = read(certificate, chain) ?? []
  const shown = first && readClientCertificate(first, above)
  if (!shown) throw notReadable(name, 'it does not hold one certificate')
  if (above.length > MAX_CHAIN) throw notReadable(name, `more than ${MAX_CHAIN} certificates come with it`)
  if (above.some(der => readClientCertificate(der) === undefined))
    throw notReadable(chainName ?? name, 'what comes with the certificate is none')
  return shown
}

function onlyValue(name: string, values: readonly string[]): string {
  if (values.length > 1) throw notReadable(name, 'it is there more than once')
  return (values[0] ?? '').trim()
}

function notReadable(name: string, why: string): Problem {
  return invalidRequest(
    `The header ${name}, which tells of the client's certificate, cannot be read: ${why}.`,
  )
}

/** All or nothing. */
function all(read: readonly (Buffer | undefined)[]): Certificates {
  return read.every(one => one !== undefined) ? read : undefined
}

function exactlyOne(certificates: Certificates): Certificates {
  return certificates?.length === 1 ? certificates : undefined
}

function escapedPem(text: string): Certificates {
  const pem = unescaped(text)
  return pem === undefined ? undefined : pemCertificates(pem)
}

/** Percent-encoding as in a URL: a plus sign is one. */
function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that encodes nothing: whoever wrote it is not the proxy.
    return undefined
  }
}

function structured(field: string): Buffer | undefined {
  try {
    return bytesOf(parseItem(field))
  } catch {
    // The parser says where a field is malformed, which is of no use to anybody.
    return undefined
  }
}

function structuredList(field: string): (Buffer | undefined)[] {
  try {
    return field === '' ? [] : parseList(field).map(bytesOf)
  } catch {
    // As above.
    return [undefined]
  }
}

/**
 * The keys and values of X-Forwarded-Client-Cert, keys in lower case: `Hash=…;Cert="…";Chain="…"`. undefined: not that, more
 * than one element (a proxy before the trusted one wrote the others), or a certificate that is there twice.
 */
function readElement(text: string): ReadonlyMap<string, string> | undefined {
  const pair = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=\\]*))(;|$)/gy
  const element = new Map<string, string>()
  let end = 0
  let separator = ';'
  for (const [whole, key = '', quoted, plain = '', after = ''] of text.matchAll(pair)) {
    const name = key.toLowerCase()
    // A certificate can have several alternative names, and each has its line.
    if (element.has(name) && (name === 'cert' || name === 'chain')) return undefined
    element.set(name, quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1'))
    end += whole.length
    separator = after
  }
  return end === text.length && separator === '' ? element : undefined
}
