// Our own port for TLS: what it asks clients for, what it makes of it, how its files are exchanged, how it ends.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { forgedHeaders, WRITTEN_BY } from '../support/certificate-headers.ts'
import { createAuthority, createSelfSigned, FOR_LOCALHOST, type Holder } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { makeKey } from '../support/minted.ts'
import { ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { askOverTls, type TlsQuestion } from '../support/tls-request.ts'

const servers = createAuthority({ subject: '/CN=Servers' })
const clients = createAuthority({ subject: '/CN=Clients' })
const bound = clients.intermediate().issue({ subject: '/CN=billing' })
const another = clients.issue({ subject: '/CN=another' })
const selfSigned = createSelfSigned({ subject: '/CN=billing' })
const directory = mkdtempSync(join(tmpdir(), 'latchkey-tls-'))
const TLS_CERT = join(directory, 'cert.pem')
const TLS_KEY = join(directory, 'key.pem')

function put({ cert, key }: { cert: string; key: string }) {
  writeFileSync(TLS_CERT, cert)
  writeFileSync(TLS_KEY, key)
}

async function start(env: Record<string, string> = {}): Promise<TestApp> {
  put(servers.issue(FOR_LOCALHOST))
  const TLS_PORT = String(await freePort())
  return await startApp({ TLS_PORT, TLS_CERT, TLS_KEY, ...env }, ordersFile)
}

let app: TestApp
let port: number
let key: string

beforeAll(async () => {
  app = await start()
  port = app.config.tlsPort ?? 0
  key = (await makeKey(app, { cnf: { 'x5t#S256': bound.thumbprint } })).secret
})
afterAll(async () => {
  await app?.close()
  rmSync(directory, { recursive: true, force: true })
})

const SELF = '/v1/credentials/self'

function ask(holder: Holder | undefined, question: Partial<TlsQuestion> = {}) {
  const { headers, ...rest } = question
  const sent = { authorization: `Bearer ${key}`, ...headers }
  return askOverTls({ port, ca: servers.cert, path: SELF, holder, ...rest, headers: sent })
}

/** The connection, once TLS is agreed upon. */
function connected(
  options: { holder?: Holder; servername?: string; maxVersion?: 'TLSv1.1' | 'TLSv1.2' } = {},
) {
  const { holder, ...rest } = options
  const shown = holder && { cert: holder.chain, key: holder.key }
  return new Promise<TLSSocket>((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: servers.cert,
      ...shown,
      ...rest,
    })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })
}

const ended = (socket: { once(event: 'close', listener: () => void): unknown }) =>
  new Promise<void>(resolve => socket.once('close', () => resolve()))

describe('a client on the port for TLS', () => {
  it('is who has the key of its certificate', async () => {
    expect(await ask(bound)).toMatchObject({ status: 200 })
    for (const holder of [another, selfSigned, undefined])
      expect(await ask(holder)).toMatchObject({ status: 401 })
  })

  it('may have signed its certificate itself', async () => {
    const { secret } = await makeKey(app, { cnf: { 'x5t#S256': selfSigned.thumbprint } })
    const headers = { authorization: `Bearer ${secret}` }
    expect(await ask(selfSigned, { headers })).toMatchObject({ status: 200 })
    expect(await ask(bound, { headers })).toMatchObject({ status: 401 })
  })

  it('needs no certificate for what needs none', async () => {
    expect(await ask(undefined, { path: '/.well-known/openid-configuration' })).toMatchObject({ status: 200 })
  })

  it('is not another one by what it writes', async () => {
    expect(await ask(another, { headers: forgedHeaders(bound) })).toMatchObject({ status: 401 })
    expect(await ask(undefined, { headers: forgedHeaders(bound) })).toMatchObject({ status: 401 })
    expect(await ask(bound, { headers: forgedHeaders(another) })).toMatchObject({ status: 200 })
  })

  it('asks for the issuer or for this port, and for nobody else', async () => {
    const withHost = (host: string) => ask(bound, { headers: { host } })
    expect(await withHost(new URL(app.issuer).host)).toMatchObject({ status: 200 })
    expect(await withHost(`LOCALHOST:${port}`)).toMatchObject({ status: 200 })
    expect(await withHost('localhost')).toMatchObject({ status: 421 })
    expect(await withHost(`example.com:${port}`)).toMatchObject({ status: 421 })
    const { text } = await ask(undefined, { path: '/.well-known/openid-configuration' })
    expect(JSON.parse(text)).toMatchObject({ issuer: app.issuer, jwks_uri: `${app.issuer}/jwks` })
  })

  it('has one certificate on one connection, for all of its requests', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let times = 0; times < 3; times++)
      expect(await ask(bound, { options: { agent } })).toMatchObject({ status: 200 })
    agent.destroy()
    const socket = await connected({ holder: another, maxVersion: 'TLSv1.2' })
    const renegotiated = new Promise<Error | null>(resolve => {
      socket.on('error', resolve)
      socket.renegotiate({}, resolve)
    })
    expect(await renegotiated).toMatchObject({ message: expect.any(String) })
    socket.destroy()
  })

  it('resumes no session: the certificate is shown on every connection', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const agent = new Agent({ keepAlive: false, maxCachedSessions: 10 })
      const reused: boolean[] = []
      const options = { agent, maxVersion }
      agent.on('keylog', (_line, socket: TLSSocket) =>
        socket.once('secureConnect', () => reused.push(socket.isSessionReused())),
      )
      for (let times = 0; times < 3; times++)
        expect(await ask(bound, { options })).toMatchObject({ status: 200 })
      expect(reused).not.toContain(true)
      expect(reused.length).toBeGreaterThan(2)
    }
  })

  it('speaks TLS 1.2 or better', async () => {
    await expect(connected({ maxVersion: 'TLSv1.1' })).rejects.toThrow()
  })

  it('hurts nobody with what is not TLS', async () => {
    for (const text of [
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '\x16\x03\x01\xff\xff',
      '\0'.repeat(100),
    ]) {
      const socket = connectPlain(port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(text)
      socket.end()
      socket.resume()
      await ended(socket)
    }
    expect(await ask(bound)).toMatchObject({ status: 200 })
  })

  it('is told what is wrong with its HTTP', async () => {
    const socket = await connected()
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    socket.write('nonsense\r\n\r\n')
    await ended(socket)
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('a proxy on the port for TLS', () => {
  it('tells of its client, and is not taken for it', async () => {
    const behind = await start({ TRUSTED_PROXIES: '127.0.0.1', CLIENT_CERTIFICATE_HEADER: 'rfc9440' })
    try {
      const { secret } = await makeKey(behind, { cnf: { 'x5t#S256': bound.thumbprint } })
      const authorization = `Bearer ${secret}`
      const askAs = (holder: Holder, headers = {}) =>
        ask(holder, { port: behind.config.tlsPort ?? 0, headers: { authorization, ...headers } })
      expect(await askAs(bound)).toMatchObject({ status: 401 })
      expect(await askAs(another, WRITTEN_BY.rfc9440(bound))).toMatchObject({ status: 200 })
    } finally {
      await behind.close()
    }
  })
})

describe('files that change', () => {
  const shown = async () => {
    const socket = await connected()
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  /** On a connection that stays open: one on which nothing is asked is soon ended. */
  const answerOn = (socket: TLSSocket) =>
    new Promise<string>((resolve, reject) => {
      socket.once('data', chunk => resolve(String(chunk)))
      socket.once('close', () => reject(new Error('the connection has ended')))
      socket.write(`GET /health/live HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
    })
  const logged = (text: string) => app.logLines.filter(line => line.includes(text)).length

  it('are used for the next connection, and those that cannot be used are not', async () => {
    const before = await shown()
    const open = await connected()
    expect(await answerOn(open)).toMatch(/^HTTP\/1\.1 200 /)
    put(servers.issue(FOR_LOCALHOST))
    await until('the new certificate is shown', async () => (await shown()) !== before)
    const after = await shown()
    expect(logged('files of TLS have changed and are in use')).toBeGreaterThan(0)

    const complaints = () => logged('files of TLS have changed and cannot be used')
    const { cert } = servers.issue(FOR_LOCALHOST)
    const some = complaints()
    writeFileSync(TLS_CERT, cert)
    await until('the certificate without its key is logged', () => complaints() === some + 1)
    expect(await shown()).toBe(after)
    rmSync(TLS_KEY)
    await until('the missing key is logged', () => complaints() === some + 2)
    expect(await shown()).toBe(after)
    expect(await ask(bound)).toMatchObject({ status: 200 })

    put(servers.issue(FOR_LOCALHOST))
    await until('good files are used again', async () => (await shown()) !== after)
    expect(await answerOn(open)).toMatch(/^HTTP\/1\.1 200 /)
    open.destroy()
  })
})

describe('the end', () => {
  it('does not wait for connections on which nothing is asked', async () => {
    const ending = await start({ SHUTDOWN_TIMEOUT: '1h' })
    const before = port
    port = ending.config.tlsPort ?? 0
    try {
      const idle = await connected()
      const silent = connectPlain(port, '127.0.0.1')
      await new Promise(resolve => silent.once('connect', resolve))
      const closed = Promise.all([ended(idle), ended(silent)])
      await ending.close()
      await closed
    } finally {
      port = before
    }
  })
})
