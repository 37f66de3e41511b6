// The real server with its port for TLS, and clients that connect to it with certificates.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApp, type TestApp } from './app.ts'
import { type Authority, createAuthority, FOR_LOCALHOST, type Holder } from './certificates.ts'
import { freePort } from './free-port.ts'

/** Whom clients trust about servers. */
export const SERVERS = createAuthority({ subject: '/CN=Servers' })

/** What shows that a server is who it says, for tests that start another one in front of ours. */
export const SERVER: Holder = SERVERS.issue(FOR_LOCALHOST)

type Fetch = (url: string | URL | Request, init?: unknown) => Promise<Response>
type Init = { method?: string; headers?: ConstructorParameters<typeof Headers>[0]; body?: unknown }

/** As `fetch`, with a certificate, which Node's own cannot show. Every request has a connection of its own. */
export function fetchAs(holder: Holder | undefined): Fetch {
  return async (url, init = {}) => {
    const target = new URL(url instanceof Request ? url.url : url)
    const { method = 'GET', headers, body } = init as Init
    const shown = holder && { cert: holder.chain, key: holder.key }
    const request = target.protocol === 'https:' ? requestHttps : requestHttp
    return new Promise((resolve, reject) => {
      const asking = request(
        target,
        {
          method,
          headers: Object.fromEntries(new Headers(headers)),
          agent: false,
          ca: SERVERS.cert,
          ...shown,
        },
        answer => {
          const chunks: Buffer[] = []
          answer.on('data', chunk => chunks.push(chunk))
          answer.on('end', () => {
            const text = Buffer.concat(chunks)
            const status = answer.statusCode ?? 0
            const pairs = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
              values.map((value): [string, string] => [name, value]),
            )
            const has = text.length > 0 && status !== 204 && status !== 304
            resolve(new Response(has ? text : null, { status, headers: pairs }))
          })
        },
      )
      asking.on('error', reject)
      asking.end(body === undefined || body === null ? undefined : String(body))
    })
  }
}

export interface TlsFiles {
  readonly TLS_CERT: string
  readonly TLS_KEY: string
  readonly TLS_CLIENT_CA: string
  remove(): void
}

/** The settings' files. @param authorities whose certificates clients may show */
export function tlsFiles(authorities: readonly Authority[]): TlsFiles {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-tls-'))
  const put = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  return {
    TLS_CERT: put('cert.pem', SERVER.cert),
    TLS_KEY: put('key.pem', SERVER.key),
    TLS_CLIENT_CA: put('clients.pem', authorities.map(({ cert }) => cert).join('')),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

export interface TlsApp {
  readonly app: TestApp
  /** Where clients with certificates go. */
  readonly origin: string
  close(): Promise<void>
}

export async function startTlsApp(
  authorities: readonly Authority[],
  file: object,
  env: Record<string, string> = {},
): Promise<TlsApp> {
  const { remove, ...files } = tlsFiles(authorities)
  const port = await freePort()
  const app = await startApp({ TLS_PORT: String(port), ...files, ...env }, file)
  return {
    app,
    origin: `https://localhost:${port}`,
    async close() {
      await app.close()
      remove()
    },
  }
}
