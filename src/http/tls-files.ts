/** The files of TLS that the settings name, in PEM: the certificate that we show, its key, and the authorities of clients. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { readLink } from './certificate-link.ts'

export interface TlsFiles {
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsClientCa: string | undefined
}

/** What is in them; of a file that is not named, ''. */
export interface TlsTexts {
  /** The certificate, then those above it. */
  readonly cert: string
  readonly key: string
  readonly clientCa: string
}

export interface ReadTlsFiles extends TlsTexts {
  /** One sentence each. Nothing that is in a key is in them. */
  readonly problems: readonly string[]
}

export function readTlsFiles({ tlsCert, tlsKey, tlsClientCa }: TlsFiles): ReadTlsFiles {
  const problems: string[] = []
  const read = (name: string, file: string | undefined, mistakeIn: (text: string) => string | undefined) => {
    if (file === undefined) return ''
    try {
      const text = readFileSync(file, 'utf8')
      const mistake = mistakeIn(text)
      if (mistake !== undefined) problems.push(`${name} is ${file}, which ${mistake}.`)
      return mistake === undefined ? text : ''
    } catch (error) {
      problems.push(`${name} is ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code}).`)
      return ''
    }
  }
  const cert = read('TLS_CERT', tlsCert, text =>
    certificatesIn(text).length > 0 ? undefined : 'has no certificate in PEM',
  )
  const key = read('TLS_KEY', tlsKey, text =>
    privateKeyIn(text) ? undefined : 'has no private key in PEM without a passphrase',
  )
  const clientCa = read('TLS_CLIENT_CA', tlsClientCa, authoritiesMistake)
  const [own] = certificatesIn(cert)
  const privateKey = privateKeyIn(key)
  if (own && privateKey) {
    if (!own.checkPrivateKey(privateKey))
      problems.push(`TLS_KEY is ${tlsKey}, which is not the key of the certificate in TLS_CERT.`)
    else if (!isUsable(cert, key))
      problems.push(`TLS_CERT is ${tlsCert}, which TLS does not take: its key or signature is too weak.`)
  }
  return { cert, key, clientCa, problems }
}

/** With whatever tools write around the certificates of a file. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The certificates of a file, in PEM, and nothing else that is in it. */
export function certificatesOf(text: string): string[] {
  return text.match(CERTIFICATE)?.map(pem => `${pem}\n`) ?? []
}

function certificatesIn(text: string): X509Certificate[] {
  try {
    return certificatesOf(text).map(pem => new X509Certificate(pem))
  } catch {
    // One that OpenSSL cannot read: then the file cannot be used.
    return []
  }
}

function privateKeyIn(text: string) {
  try {
    return text === '' ? undefined : createPrivateKey(text)
  } catch {
    // The reason names OpenSSL's routines and helps nobody.
    return undefined
  }
}

function isUsable(cert: string, key: string): boolean {
  try {
    createSecureContext({ cert, key })
    return true
  } catch {
    // OpenSSL's rules, by which it refuses to start a server too.
    return false
  }
}

function authoritiesMistake(text: string): string | undefined {
  const found = certificatesIn(text)
  if (found.length === 0) return 'has no certificate in PEM'
  const other = found.find(({ raw }) => !readLink(raw)?.isAuthority)
  return other && `has a certificate that is no authority's: ${other.subject?.replaceAll('\n', ', ')}`
}
