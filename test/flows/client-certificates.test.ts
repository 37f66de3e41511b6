// Client certificates through the proxies that people run: a key that is bound to a certificate works for whoever has
// the certificate's key, and for nobody who only says so.
import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request as requestHttp } from 'node:http'
import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { CertificateHeader } from '../../src/http/certificate-header.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { startCaddy } from '../support/caddy.ts'
import { forgedHeaders, WRITTEN_BY } from '../support/certificate-headers.ts'
import { createAuthority, createSelfSigned, FOR_LOCALHOST, type Holder } from '../support/certificates.ts'
import type { RunningProxy } from '../support/foreground.ts'
import { freePort } from '../support/free-port.ts'
import { makeKey } from '../support/minted.ts'
import { startNginx } from '../support/nginx.ts'
import { ordersFile } from '../support/orders.ts'

const servers = createAuthority({ subject: '/CN=Servers' })
const server = servers.issue(FOR_LOCALHOST)
const clients = createAuthority({ subject: '/CN=Clients' })
const bound = clients.issue({ subject: '/CN=billing' })
const another = clients.issue({ subject: '/CN=another' })
const selfSigned = createSelfSigned({ subject: '/CN=billing' })
const files = { 'server.pem': server.cert, 'server-key.pem': server.key, 'clients.pem': clients.cert }

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

type Headers = Record<string, string | string[]>

interface Setup {
  readonly start: (port: number, behind: number) => Promise<RunningProxy>
  readonly dialect: CertificateHeader
  /** What a certificate that is not in time gets: from us, or from the proxy itself. */
  readonly notInTime: number
}

/** A configuration of the documentation, on this machine. */
function documented(language: string, replacements: Readonly<Record<string, string>>): string {
  const page = readFileSync(new URL('../../docs/client-certificates.md', import.meta.url), 'utf8')
  const [, block = ''] = new RegExp(`\\n\`\`\`${language}\\n([^]*?)\\n\`\`\`\\n`).exec(page) ?? []
  return Object.entries(replacements).reduce((text, [written, here]) => {
    expect(text).toContain(written)
    return text.replace(written, here)
  }, block)
}

const nginx: Setup = {
  dialect: 'nginx',
  notInTime: 400,
  start: (port, behind) =>
    startNginx({
      port,
      files,
      config: documented('nginx', {
        'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
        'id.example.com': 'localhost',
        '/etc/nginx/tls/cert.pem': 'server.pem',
        '/etc/nginx/tls/key.pem': 'server-key.pem',
        '10.0.0.7:3000': `127.0.0.1:${behind}`,
      }),
    }),
}

const caddy: Setup = {
  dialect: 'caddy',
  notInTime: 401,
  start: (port, behind) =>
    startCaddy({
      port,
      files,
      config: documented('caddyfile', {
        'https://id.example.com {': `https://localhost:${port} {\nbind 127.0.0.1`,
        '/etc/caddy/tls/cert.pem': 'server.pem',
        '/etc/caddy/tls/key.pem': 'server-key.pem',
        '10.0.0.7:3000': `127.0.0.1:${behind}`,
      }),
    }),
}

describe.each<[string, Setup]>([
  ['nginx', nginx],
  ['Caddy', caddy],
])('behind %s', (_name, { start, dialect, notInTime }) => {
  let app: TestApp
  let proxy: RunningProxy
  let port: number
  let key: string
  let keyOfSelfSigned: string

  beforeAll(async () => {
    port = await freePort()
    const env = { ISSUER: `https://localhost:${port}`, TRUSTED_PROXIES: '127.0.0.1' }
    app = await startApp({ ...env, CLIENT_CERTIFICATE_HEADER: dialect }, ordersFile)
    proxy = await start(port, app.config.port)
    const keyFor = async (holder: Holder) =>
      (await makeKey(app, { cnf: { 'x5t#S256': holder.thumbprint } })).secret
    key = await keyFor(bound)
    keyOfSelfSigned = await keyFor(selfSigned)
  })
  afterAll(async () => {
    await proxy?.close()
    await app?.close()
  })

  const asked = (holder: Holder | undefined, headers: Headers = {}, credential = key) =>
    new Promise<Answer>((resolve, reject) => {
      const asking = request(
        {
          ...{ host: 'localhost', port, path: '/v1/credentials/self', agent: false },
          ...{ ca: servers.cert, ...(holder && { cert: holder.cert, key: holder.key }) },
          headers: { authorization: `Bearer ${credential}`, ...headers },
        },
        answer => {
          answer.resume()
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }))
        },
      )
      asking.on('error', reject)
      asking.end()
    })

  it('the certificate comes through', async () => {
    expect(await asked(bound)).toMatchObject({ status: 200 })
    expect(await asked(selfSigned, {}, keyOfSelfSigned)).toMatchObject({ status: 200 })
  })

  it('another one, or none, is refused', async () => {
    for (const holder of [another, selfSigned, undefined]) {
      const { status, headers } = await asked(holder)
      expect(status).toBe(401)
      expect(headers['www-authenticate']).toContain('invalid_token')
    }
  })

  it('whatever else the client writes about certificates changes nothing', async () => {
    const forged = forgedHeaders(bound)
    expect(await asked(bound, forgedHeaders(another))).toMatchObject({ status: 200 })
    for (const holder of [another, undefined])
      expect(await asked(holder, forged)).toMatchObject({ status: 401 })
    for (const [name, value] of Object.entries(forged)) {
      expect(await asked(undefined, { [name]: value })).toMatchObject({ status: 401 })
      expect(await asked(undefined, { [name]: [value, value] })).toMatchObject({ status: 401 })
      expect(await asked(another, { [name.toLowerCase()]: [value, value] })).toMatchObject({ status: 401 })
    }
  })

  it('one that has expired, or is not valid yet, proves nothing', async () => {
    const day = 86_400_000
    const expired = createSelfSigned({ notAfter: new Date(Date.now() - day / 2) })
    const early = createSelfSigned({
      notBefore: new Date(Date.now() + day),
      notAfter: new Date(Date.now() + 2 * day),
    })
    for (const holder of [expired, early]) {
      const { secret } = await makeKey(app, { cnf: { 'x5t#S256': holder.thumbprint } })
      expect(await asked(holder, {}, secret)).toMatchObject({ status: notInTime })
    }
  })
})

describe('asked directly', () => {
  let app: TestApp
  let key: string

  const start = async (env: Record<string, string>) => {
    app = await startApp(env, ordersFile)
    key = (await makeKey(app, { cnf: { 'x5t#S256': bound.thumbprint } })).secret
  }

  const statusOf = (headers: Headers) =>
    new Promise<number>((resolve, reject) => {
      const asking = requestHttp(
        {
          ...{ host: '127.0.0.1', port: app.config.port, path: '/v1/credentials/self', agent: false },
          headers: { host: new URL(app.issuer).host, authorization: `Bearer ${key}`, ...headers },
        },
        answer => {
          answer.resume()
          answer.on('end', () => resolve(answer.statusCode ?? 0))
        },
      )
      asking.on('error', reject)
      asking.end()
    })

  afterAll(() => app?.close())

  it('by a peer that is not listed: no header of any dialect is read', async () => {
    await start({ TRUSTED_PROXIES: '192.0.2.1', CLIENT_CERTIFICATE_HEADER: 'rfc9440' })
    for (const write of Object.values(WRITTEN_BY)) expect(await statusOf({ ...write(bound) })).toBe(401)
    expect(await statusOf(forgedHeaders(bound))).toBe(401)
    expect(await statusOf({ 'Client-Cert': 'x' })).toBe(401)
    await app.close()
  })

  it('by a trusted proxy: only the dialect that is set is, and what cannot be read is a 400', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1', CLIENT_CERTIFICATE_HEADER: 'rfc9440' })
    expect(await statusOf({ ...WRITTEN_BY.rfc9440(bound) })).toBe(200)
    const { 'Client-Cert': value = '', ...forged } = forgedHeaders(bound)
    expect(await statusOf(forged)).toBe(401)
    expect(await statusOf({ 'Client-Cert': [value, value] })).toBe(400)
    expect(await statusOf({ 'Client-Cert': value.slice(1) })).toBe(400)
    expect(await statusOf({ 'Client-Cert': `${value}, ${value}` })).toBe(400)
  })
})
