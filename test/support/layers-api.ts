// The example API of examples/layers, as its README starts it: a process of its own, asked over real TLS.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { createSelfSigned, FOR_LOCALHOST } from './certificates.ts'
import { freePort } from './free-port.ts'
import { latchkey } from './latchkey.ts'
import { runNode } from './process.ts'

const example = (name: string) => fileURLToPath(new URL(`../../examples/layers/${name}`, import.meta.url))

/** As a caller connects. */
export interface Connection {
  /** A client's certificate and its key, in PEM. */
  readonly cert?: string
  readonly key?: string
  /** The client's own address. */
  readonly localAddress?: string
}

export interface LayersAnswer {
  readonly status: number
  readonly challenge: string | undefined
  readonly body: Record<string, unknown>
}

export interface LayersApi {
  ask(headers: Record<string, string>, connection?: Connection): Promise<LayersAnswer>
  close(): Promise<unknown>
}

/** The example's file, for a server at this issuer. */
export const layersFile = (issuer: string): object =>
  parse(readFileSync(example('latchkey.yaml'), 'utf8').replaceAll('http://localhost:3000', issuer))

export async function startLayersApi(issuer: string): Promise<LayersApi> {
  // It imports the package by its name, which is what was built.
  const { code, stderr } = await latchkey(['--version']).finished
  if (code !== 0) throw new Error(`latchkey --version ends with ${code}:\n${stderr}`)
  const port = await freePort()
  const server = createSelfSigned(FOR_LOCALHOST)
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-layers-'))
  const files = { CERT: join(directory, 'server.pem'), KEY: join(directory, 'server-key.pem') }
  writeFileSync(files.CERT, server.cert)
  writeFileSync(files.KEY, server.key)
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, PORT: String(port), ISSUER: issuer, ...files }
  const running = runNode([example('server.mjs')], { env })
  await running.printed(/^listening /m)
  return {
    ask: (headers, connection = {}) =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, servername: 'localhost', ca: server.cert, agent: false }
        const asked = request({ ...options, ...connection, headers }, answer => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('error', reject)
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              challenge: answer.headers['www-authenticate'],
              body: JSON.parse(Buffer.concat(chunks).toString()),
            }),
          )
        })
        asked.on('error', reject)
        asked.end()
      }),
    close() {
      running.process.kill('SIGTERM')
      return running.finished
    },
  }
}
