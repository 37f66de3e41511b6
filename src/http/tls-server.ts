/**
 * The server for TLS. It asks every client for a certificate and takes all of them, also those that nobody trusts: that
 * a client has the key is proved by TLS, and what its certificate is good for is decided by whoever asks for it
 * (shown-certificate.ts).
 */
import { constants } from 'node:crypto'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { SecureContextOptions } from 'node:tls'
import type { Tls } from './tls.ts'
import type { TlsTexts } from './tls-files.ts'

/** New files are used for new connections, and those that are open stay. */
export function createTlsServer(tls: Tls, limits: ServerOptions): Server {
  const server = createServer({
    ...limits,
    ...contextOf(tls.current()),
    // No list of authorities is sent: clients would keep back the certificates of all others.
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: 15_000,
  })
  tls.subscribe(() => server.setSecureContext(contextOf(tls.current())))
  return server
}

function contextOf({ cert, key }: TlsTexts): SecureContextOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    // One connection has one certificate, and a resumed session would know of it without those that came with it.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  }
}
