// A small real server on a free port with this ground's middleware in the order of app.ts, and ways to ask it.
import { type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import Koa from 'koa'
import { createAssets } from '../../src/http/assets.ts'
import { type CertificateHeader, certificateHeaderNames } from '../../src/http/certificate-header.ts'
import { createTrustedProxies, forwarding } from '../../src/http/client-address.ts'
import type { Context, Middleware, State } from '../../src/http/context.ts'
import { cookieNames } from '../../src/http/cookies.ts'
import { type Csrf, createCsrf } from '../../src/http/csrf.ts'
import { headers } from '../../src/http/headers.ts'
import { host } from '../../src/http/host.ts'
import { defineOrigin } from '../../src/http/issuer-request.ts'
import { createPages, type Pages } from '../../src/http/pages.ts'
import { requestTarget } from '../../src/http/request-target.ts'
import { logAppErrors, respond } from '../../src/http/respond.ts'
import { type Listening, listen } from '../../src/http/server.ts'
import { shownCertificate } from '../../src/http/shown-certificate.ts'
import { createLog } from '../../src/log.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'

export interface Ground extends Listening {
  readonly issuer: string
  readonly csrf: Csrf
  readonly pages: Pages
  /** Every line logged so far, parsed. */
  readonly lines: Record<string, unknown>[]
  /** The line of the request with this id, once it is written. */
  line(requestId: string | undefined): Promise<Record<string, unknown>>
}

interface GroundOptions {
  issuer?: string
  trustedProxies?: string[]
  certificateHeader?: CertificateHeader | undefined
  shutdownTimeout?: number
  routes?: (tools: { csrf: Csrf; pages: Pages }) => Middleware[]
}

export async function ground({
  issuer = 'http://id.test',
  trustedProxies = [],
  certificateHeader: dialect,
  shutdownTimeout = 20,
  routes = () => [],
}: GroundOptions = {}): Promise<Ground> {
  const lines: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  const log = createLog('info', {
    write(line) {
      lines.push(JSON.parse(line))
      for (const wake of waiting) wake()
    },
  })
  const assets = createAssets({ accentColor: '#3b5bdb' })
  const keyring = createKeyring([Buffer.alloc(32, 1)])
  const csrf = createCsrf({ keyring, cookies: cookieNames(issuer), issuer })
  const pages = createPages({ config: { accentColor: '#3b5bdb', logoUrl: undefined }, assets, csrf })

  const proxies = createTrustedProxies(trustedProxies)
  const app = new Koa<State>()
  defineOrigin(app, issuer)
  logAppErrors(app, log)
  const list = [
    forwarding(proxies, dialect && certificateHeaderNames(dialect)),
    respond({ log, pages }),
    headers({ issuer }),
    requestTarget({ issuer }),
    host({ issuer }),
    assets.serve,
    shownCertificate({ proxies, dialect }),
    ...routes({ csrf, pages }),
  ]
  for (const middleware of list) app.use(async (ctx, next) => void (await middleware(ctx as Context, next)))

  const listening = await listen(app, { host: '127.0.0.1', port: 0, issuer, shutdownTimeout })
  return {
    ...listening,
    issuer,
    csrf,
    pages,
    lines,
    async line(requestId) {
      for (;;) {
        const found = lines.find(line => line.msg === 'request' && line.request_id === requestId)
        if (found) return found
        await new Promise<void>(resolve => waiting.add(resolve))
      }
    },
  }
}

/** One route. */
export const on =
  (method: string, path: string, answer: (ctx: Context) => unknown): Middleware =>
  async (ctx, next) => {
    if (ctx.method !== method || ctx.path !== path) return next()
    return answer(ctx)
  }

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  json(): Record<string, unknown>
}

export interface Question {
  method?: string
  path?: string
  headers?: Record<string, string | string[]>
  body?: string | Buffer
}

/** A real request; Host is the issuer's unless given. Nothing is normalised, unlike fetch. */
export function ask(server: Pick<Ground, 'port' | 'issuer'>, question: Question = {}): Promise<Answer> {
  const { method = 'GET', path = '/', headers: sent = {}, body } = question
  const names = new Set(Object.keys(sent).map(name => name.toLowerCase()))
  const outgoing = request({
    host: '127.0.0.1',
    port: server.port,
    method,
    path,
    agent: false,
    setHost: false,
    headers: {
      ...(!names.has('host') && { host: new URL(server.issuer).host }),
      ...(body !== undefined &&
        !names.has('transfer-encoding') && { 'content-length': Buffer.byteLength(body) }),
      ...sent,
    },
  })
  return answerTo(outgoing, body)
}

/** Sends the request and resolves with the whole answer. */
export function answerTo(outgoing: ClientRequest, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    outgoing.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, text, json: () => JSON.parse(text) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Sends bytes and resolves with everything that comes back until the server closes. */
export function raw(server: Pick<Ground, 'port'>, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(received))
  })
}

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
