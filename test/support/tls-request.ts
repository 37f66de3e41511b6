// One request over a TLS connection of its own, with a certificate of the client's.
import type { IncomingHttpHeaders } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import type { Holder } from './certificates.ts'

export interface TlsAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface TlsQuestion {
  readonly port: number
  /** PEM, of the server's authority. */
  readonly ca: string
  readonly path: string
  readonly holder?: Holder | undefined
  readonly headers?: Record<string, string | string[]>
  readonly options?: RequestOptions
}

/** The certificate is shown with all that is above it. */
export function askOverTls({ port, ca, path, holder, headers, options }: TlsQuestion): Promise<TlsAnswer> {
  const shown = holder && { cert: holder.chain, key: holder.key }
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        host: 'localhost',
        servername: 'localhost',
        port,
        path,
        ca,
        agent: false,
        ...shown,
        headers,
        ...options,
      },
      answer => {
        let text = ''
        answer.on('data', chunk => {
          text += chunk
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }))
      },
    )
    asking.on('error', reject)
    asking.end()
  })
}
