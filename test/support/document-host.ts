// Somebody's web server on https://localhost, with documents that clients describe themselves with.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { createCertificate } from './certificate.ts'

export interface Served {
  readonly status?: number
  readonly headers?: Record<string, string>
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown
  /** The answer waits for it. */
  readonly after?: Promise<unknown>
}

export interface DocumentHost {
  /** As CLIENT_ID_METADATA_DOCUMENTS has it. */
  readonly host: string
  address(path: string): string
  /** @returns its address */
  serve(path: string, served: Served): string
  /** Serves the document of a public client there. @returns its address, the client_id */
  describe(path: string, document?: object, headers?: Record<string, string>): string
  /** How often a path was asked for. */
  asked(path: string): number
  close(): Promise<void>
}

export const DOCUMENT_CALLBACK = 'http://127.0.0.1:8090/callback'

/** This process trusts it until it is closed. */
export async function startDocumentHost(): Promise<DocumentHost> {
  // Two of one subject would be taken for each other.
  const certificate = createCertificate(`host-${randomUUID()}`, 'localhost')
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, certificate.cert])
  const documents = new Map<string, Served>()
  const asked: string[] = []
  const server = createServer(certificate, async (request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const { status = 200, headers, body, after } = documents.get(path) ?? { status: 404 }
    await after
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
  })
  // Whichever address localhost has here.
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve))
  const host = `localhost:${(server.address() as AddressInfo).port}`
  const address = (path: string) => `https://${host}${path}`
  const serve = (path: string, served: Served) => {
    documents.set(path, served)
    return address(path)
  }
  return {
    host,
    address,
    serve,
    describe(path, document = {}, headers = {}) {
      const body = {
        client_id: address(path),
        client_name: 'Notes on the desktop',
        redirect_uris: [DOCUMENT_CALLBACK],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        ...document,
      }
      return serve(path, { body, headers })
    },
    asked: path => asked.filter(one => one === path).length,
    async close() {
      setDefaultCACertificates(before)
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
