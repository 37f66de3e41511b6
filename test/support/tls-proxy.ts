// What stands in front of Latchkey in production, as small as can be: it speaks TLS, passes on Host and says for whom it asks.
import { request } from 'node:http'
import { createServer } from 'node:https'
import { createCertificate } from './certificate.ts'
import { freePort } from './free-port.ts'

export interface TlsProxy {
  readonly origin: string
  /** @param port of the server behind, on loopback */
  start(port: number): Promise<void>
  close(): Promise<void>
}

/** Its certificate is signed by nobody: browsers have to be told to take it. */
export async function createTlsProxy(): Promise<TlsProxy> {
  const port = await freePort()
  let behind = 0
  const server = createServer(createCertificate('localhost'), (req, res) => {
    const { method, url: path, headers, socket } = req
    const forwarded = { 'x-forwarded-for': socket.remoteAddress, 'x-forwarded-proto': 'https' }
    const asked = request(
      { host: '127.0.0.1', port: behind, agent: false, method, path, headers: { ...headers, ...forwarded } },
      answer => {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res)
      },
    )
    asked.on('error', () => res.writeHead(502).end())
    req.pipe(asked)
  })
  return {
    origin: `https://localhost:${port}`,
    async start(target) {
      behind = target
      await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
