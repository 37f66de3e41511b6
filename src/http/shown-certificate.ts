/**
 * The certificate that the client showed: on its own connection to us, or to a trusted proxy, which tells of it in the one
 * header that the operator has chosen. Nobody else's header gets here (client-address.ts). What the certificate is good for,
 * and whether it is in time, is for whoever asks for it.
 */
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import {
  type CertificateHeader,
  certificateHeaderNames,
  readCertificateHeader,
} from './certificate-header.ts'
import { removeHeaders, type TrustedProxies } from './client-address.ts'
import { type ClientCertificate, readClientCertificate } from './client-certificate.ts'
import type { Middleware } from './context.ts'

interface ShownCertificateOptions {
  readonly proxies: TrustedProxies
  readonly dialect: CertificateHeader | undefined
}

/**
 * A proxy's own certificate is never the client's, so a trusted one can only tell.
 * @throws Problem 400 when its header cannot be read
 */
export function shownCertificate({ proxies, dialect }: ShownCertificateOptions): Middleware {
  return ({ req, state }, next) => {
    if (!dialect && !(req.socket instanceof TLSSocket)) return next()
    const isProxy = proxies.has(req.socket.remoteAddress ?? '')
    const certificate = isProxy ? told(req, dialect) : ownOf(req)
    if (certificate) state.clientCertificate = certificate
    return next()
  }
}

function told(req: IncomingMessage, dialect: CertificateHeader | undefined): ClientCertificate | undefined {
  if (!dialect) return undefined
  const { headersDistinct } = req
  const names = certificateHeaderNames(dialect)
  const values = new Map(names.map(name => [name, headersDistinct[name] ?? []]))
  removeHeaders(req, name => names.includes(name.toLowerCase()))
  return readCertificateHeader(dialect, name => values.get(name) ?? [])
}

const known = new WeakMap<TLSSocket, ClientCertificate>()

function ownOf({ socket }: IncomingMessage): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const before = known.get(socket)
  if (before) return before
  const [first, ...above] = certificatesOf(socket)
  const certificate = first && readClientCertificate(first, above)
  if (certificate) known.set(socket, certificate)
  return certificate
}

/** The client's, and those that it sent with it. */
function certificatesOf(socket: TLSSocket): Buffer[] {
  const found: Buffer[] = []
  let at = socket.getPeerCertificate(true)
  // Nothing shown is an empty object; a certificate that signed itself is its own issuer.
  while (at?.raw && !found.some(one => one.equals(at.raw))) {
    found.push(at.raw)
    at = at.issuerCertificate
  }
  return found
}
