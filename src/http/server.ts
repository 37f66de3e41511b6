/** The listening sockets: limits of the protocol itself, answers to what is not HTTP, and an orderly end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Config } from '../config.ts'
import { securityHeaders } from './headers.ts'
import { codeOf, Problem } from './problem.ts'
import type { Tls } from './tls.ts'
import { createTlsServer } from './tls-server.ts'

export interface Listening {
  /** Where it listens, which need not be the issuer. */
  readonly url: string
  readonly port: number
  /**
   * Stops to accept, lets requests in flight finish for up to `shutdownTimeout` seconds, then ends the rest.
   * Calling it again gives the same promise.
   */
  close(): Promise<void>
}

/** Client certificates and long authorization requests arrive in headers. */
const MAX_HEADER_BYTES = 32 * 1024

type RequestHandler = (req: IncomingMessage, res: ServerResponse) => unknown

const LIMITS = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  // Longer than what load balancers keep idle connections for: whoever waits shorter closes first, without a race.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
}

type ListenConfig = Pick<Config, 'host' | 'port' | 'issuer' | 'shutdownTimeout'> & {
  readonly tlsPort?: number | undefined
}

/**
 * Listens, and with `tlsPort` on a second port for TLS, which asks clients for certificates.
 * @param app a Koa app. @throws when an address cannot be listened on
 */
export async function listen(
  app: { callback(): RequestHandler },
  config: ListenConfig,
  tls?: Tls,
): Promise<Listening> {
  const plain = await serve(createServer(LIMITS), app.callback(), { ...config, name: 'PORT' })
  if (config.tlsPort === undefined || !tls) return plain
  try {
    const server = createTlsServer(tls, LIMITS)
    const secure = await serve(server, app.callback(), { ...config, port: config.tlsPort, name: 'TLS_PORT' })
    return { ...plain, close: async () => void (await Promise.all([plain.close(), secure.close()])) }
  } catch (error) {
    await plain.close()
    throw error
  }
}

interface ServeOptions extends Omit<ListenConfig, 'tlsPort'> {
  /** The setting of the port. */
  readonly name: string
}

async function serve(server: Server, handle: RequestHandler, options: ServeOptions): Promise<Listening> {
  const traffic = followTraffic(server, handle)
  answerMalformed(server, traffic, options.issuer)

  await new Promise<void>((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => reject(cannotListen(options, cause))
    server.once('error', onError)
    server.listen(options.port, options.host, () => {
      server.off('error', onError)
      resolve()
    })
  })
  const { address, port, family } = server.address() as AddressInfo
  let closed: Promise<void> | undefined
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    port,
    close() {
      closed ??= drain(server, traffic, options.shutdownTimeout)
      return closed
    },
  }
}

function cannotListen({ host, port, name }: ServeOptions, cause: NodeJS.ErrnoException): Error {
  const advice =
    {
      EADDRINUSE: `Another process does. Stop it, or set ${name}.`,
      EACCES: `This user may not: set ${name} to 1024 or more.`,
    }[cause.code ?? ''] ?? `Set HOST and ${name}.`
  return new Error(`Cannot listen on ${host} port ${port} (${cause.code}). ${advice}`, { cause })
}

interface Traffic {
  readonly sockets: Set<Socket>
  readonly inFlight: Map<Socket, ServerResponse>
  draining: boolean
}

function followTraffic(server: Server, handle: RequestHandler): Traffic {
  const traffic: Traffic = { sockets: new Set(), inFlight: new Map(), draining: false }
  const follow = (socket: Socket) => {
    traffic.sockets.add(socket)
    socket.once('close', () => traffic.sockets.delete(socket))
  }
  server.on('connection', follow)
  // Of TLS, once it is agreed upon: what carries the requests.
  server.on('secureConnection', follow)
  server.on('request', (req, res) => {
    traffic.inFlight.set(req.socket, res)
    if (traffic.draining) res.setHeader('Connection', 'close')
    res.once('close', () => {
      if (traffic.inFlight.get(req.socket) === res) traffic.inFlight.delete(req.socket)
      // The connection counts as idle only after this event.
      if (traffic.draining) setImmediate(() => server.closeIdleConnections())
    })
    handle(req, res)
  })
  return traffic
}

async function drain(server: Server, traffic: Traffic, seconds: number): Promise<void> {
  traffic.draining = true
  const closed = new Promise<void>(resolve => {
    server.close(() => resolve())
  })
  for (const res of traffic.inFlight.values()) {
    if (!res.headersSent) res.setHeader('Connection', 'close')
  }
  // Connections opened ahead, by browsers for instance, on which nothing was ever sent: Node does not call them idle.
  for (const socket of traffic.sockets) {
    if (socket.bytesRead === 0 && !traffic.inFlight.has(socket)) socket.destroy()
  }
  const timer = setTimeout(() => {
    server.closeAllConnections()
    // TLS that is still being agreed upon belongs to no request.
    for (const socket of traffic.sockets) socket.destroy()
  }, seconds * 1000)
  await closed
  clearTimeout(timer)
}

const MALFORMED: Readonly<Record<string, [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, `The request's headers are larger than ${MAX_HEADER_BYTES} bytes.`],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
}

function answerMalformed(server: Server, traffic: Traffic, issuer: string): void {
  const headers = securityHeaders(issuer)
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket
    const begun = traffic.inFlight.get(socket)
    // Nothing that is written can arrive before TLS is agreed upon.
    if (socket instanceof TLSSocket && !traffic.sockets.has(socket)) {
      socket.destroy()
      return
    }
    // A second status line in the middle of an answer would be read as its body.
    if (error.code === 'ECONNRESET' || !socket.writable || begun?.headersSent) {
      socket.destroy(error)
      return
    }
    const [status, message] = MALFORMED[error.code ?? ''] ?? [400, 'The request is not valid HTTP/1.1.']
    const body = JSON.stringify(new Problem(status, codeOf(status), message))
    const lines = Object.entries({
      ...headers,
      'Content-Type': 'application/problem+json',
      'Content-Length': String(Buffer.byteLength(body)),
      Connection: 'close',
    }).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
  })
  server.on('checkExpectation', (_req: IncomingMessage, res: ServerResponse) => {
    res.writeHead(417, { ...headers, Connection: 'close' }).end()
  })
}
