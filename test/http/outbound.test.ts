import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { createOutbound, OutboundError, type OutboundOptions } from '../../src/http/outbound.ts'
import { resolveName } from '../../src/http/resolve-name.ts'
import { createLog } from '../../src/log.ts'
import { createCertificate } from '../support/certificate.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await Promise.all(servers.splice(0).map(server => new Promise(resolve => server.close(resolve))))
})
const defaultAuthorities = getCACertificates('default')
afterAll(() => setDefaultCACertificates(defaultAuthorities))

/** Listens on a free port. */
async function at(address: string, server: Server): Promise<number> {
  servers.push(server)
  server.on('connection', socket => sockets.add(socket))
  await new Promise<void>(resolve => server.listen(0, address, resolve))
  return (server.address() as AddressInfo).port
}

const seen: IncomingMessage[] = []
const answering = (answer: RequestListener, address = '127.0.0.1') =>
  at(
    address,
    createServer((req, res) => {
      seen.push(req)
      answer(req, res)
    }),
  )
const hello: RequestListener = (_req, res) => void res.end('hello')

const lines: string[] = []
const outbound = (options: Partial<OutboundOptions> = {}) =>
  createOutbound({
    allow: ['127.0.0.0/8'],
    log: createLog('info', { write: line => void lines.push(line) }),
    ...options,
  })
/** As long as it takes. */
const patient = (options: Partial<OutboundOptions> = {}) => outbound({ ms: 60_000, ...options })
/** Every name has these addresses. */
const named = (...addresses: string[]) => ({ resolve: async () => addresses })
const reason = () => (JSON.parse(lines.at(-1) ?? '{}') as { err?: { message?: string } }).err?.message

async function refused(asked: Promise<unknown>): Promise<string | undefined> {
  const before = seen.length
  await expect(asked).rejects.toEqual(new OutboundError())
  expect(seen.length).toBe(before)
  return reason()
}

describe('an answer', () => {
  it('comes back with its status, headers and body', async () => {
    const port = await answering((_req, res) => {
      res.writeHead(418, { 'content-type': 'text/plain', 'x-two': ['a', 'b'] })
      res.end('tea\u00e9')
    })
    const answer = await patient()(`http://127.0.0.1:${port}/a%20b?c=d#e`)
    expect([answer.status, answer.ok, answer.headers.get('x-two')]).toEqual([418, false, 'a, b'])
    expect(await answer.text()).toBe('tea\u00e9')
    expect(seen.at(-1)?.url).toBe('/a%20b?c=d')
    expect(seen.at(-1)?.headers).toEqual({
      host: `127.0.0.1:${port}`,
      'accept-encoding': 'identity',
      connection: 'close',
    })
  })

  it('to a form that was posted', async () => {
    let body = ''
    const port = await answering(async (req, res) => {
      for await (const chunk of req) body += String(chunk)
      res.writeHead(204).end()
    })
    const form = new URLSearchParams({ logout_token: 'a.b.c' })
    const answer = await patient()(`http://127.0.0.1:${port}/`, { method: 'POST', body: form })
    expect([answer.status, await answer.text(), body]).toEqual([204, '', 'logout_token=a.b.c'])
    expect(seen.at(-1)?.headers['content-type']).toBe('application/x-www-form-urlencoded;charset=UTF-8')
    expect(seen.at(-1)?.headers['content-length']).toBe('18')
  })

  it('of a redirect is the redirect', async () => {
    const port = await answering((req, res) => {
      res.writeHead(req.url === '/' ? 302 : 200, { location: '/inside' }).end()
    })
    const before = seen.length
    const answer = await patient()(`http://127.0.0.1:${port}/`)
    expect([answer.status, answer.headers.get('location'), seen.length - before]).toEqual([302, '/inside', 1])
  })

  it('as long as allowed is taken, a byte more is not', async () => {
    const port = await answering((req, res) => void res.end('x'.repeat(Number(req.url?.slice(1)))))
    const answer = await patient()(`http://127.0.0.1:${port}/65536`)
    expect((await answer.arrayBuffer()).byteLength).toBe(65_536)
    await expect(patient()(`http://127.0.0.1:${port}/65537`)).rejects.toEqual(new OutboundError())
    expect(reason()).toContain('longer than 65536 bytes')
  })
})

describe('an answer that is none', () => {
  const writeAgainAndAgain = (res: ServerResponse, text: string, everyMs: number) => {
    const timer = setInterval(() => res.write(text), everyMs)
    res.on('close', () => clearInterval(timer))
  }

  it.each<[string, RequestListener]>([
    ['without end', (_req, res) => writeAgainAndAgain(res, 'x'.repeat(16_384), 1)],
    ['without a word', () => undefined],
    ['that comes in drops', (_req, res) => writeAgainAndAgain(res.writeHead(200), 'x', 10)],
    ['that stops before its end', (_req, res) => void res.writeHead(200, { 'content-length': 9 }).end('x')],
    ['that is cut', (req, res) => void res.write('x', () => req.socket.destroy())],
    ['without even that', req => void req.socket.destroy()],
    ['compressed', (_req, res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
    ['with huge headers', (_req, res) => void res.writeHead(200, { 'x-big': 'x'.repeat(20_000) }).end('x')],
    ['with a status nobody knows', (_req, res) => void res.writeHead(999).end('x')],
    [
      'in another protocol',
      (req, _res) => void req.socket.end('HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    ],
    ['that is not HTTP', req => void req.socket.end('220 mail.example ESMTP\r\n')],
  ])('%s', async (_name, answer) => {
    const port = await answering(answer)
    await expect(outbound({ ms: 300 })(`http://127.0.0.1:${port}/`)).rejects.toEqual(new OutboundError())
  })

  it('in the time of who asks', async () => {
    const asker = new AbortController()
    const port = await answering(() => asker.abort())
    const asked = patient()(`http://127.0.0.1:${port}/`, { signal: asker.signal })
    await expect(asked).rejects.toEqual(new OutboundError())
    expect(await refused(outbound()(`http://127.0.0.1:${port}/`, { signal: AbortSignal.abort() }))).toMatch(
      /abort/,
    )
  })

  it('from a name whose server is silent', async () => {
    const silent = outbound({ ms: 50, resolve: () => new Promise(() => undefined) })
    expect(await refused(silent('https://slow.example/'))).toContain('timeout')
  })
})

describe('an address that is not allowed', () => {
  it.each([
    ...[
      'http://127.0.0.1/',
      'https://127.0.0.1/',
      'https://127.1/',
      'https://0x7f.1/',
      'https://2130706433/',
    ],
    ...['https://017700000001/', 'https://127.0.0.1./', 'https://0/', 'https://[::]/', 'https://[::1]/'],
    ...['https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[64:ff9b::7f00:1]/'],
    ...[
      'https://[64:ff9b::169.254.169.254]/',
      'https://[::127.0.0.1]/',
      'https://[fe80::1]/',
      'https://10.0.0.1/',
    ],
    ...['https://169.254.169.254/latest/meta-data/', 'https://[fd00:ec2::254]/', 'https://１２７.０.０.１/'],
    ...['https://localhost/', 'https://LOCALHOST./'],
  ])('%s', async url => {
    expect(await refused(outbound({ allow: [] })(url))).toContain('is not public')
  })

  it.each([
    ...[
      'http://1.1.1.1/',
      'ftp://1.1.1.1/',
      'file:///etc/passwd',
      'data:,x',
      'unix:/run/x.sock',
      'gopher://1.1.1.1',
    ],
    ...['https://me@1.1.1.1/', 'https://:pw@1.1.1.1/', 'https://', '/path', '', 'https://[fe80::1%25eth0]/'],
    ...['https://256.1.1.1/', 'https://a b/', 'https://x.invalid/', 'https://xn--/', 'https://a..b/'],
  ])('%s', async url => {
    await refused(outbound({ allow: [] })(url))
  })

  it('is one among good ones: then the name is refused', async () => {
    const port = await answering(hello)
    for (const bad of ['127.0.0.1', '10.0.0.1', '::1', 'fe80::1%lo', '::ffff:10.0.0.1', '64:ff9b::a00:1', ''])
      expect(
        await refused(outbound({ allow: [], ...named('1.1.1.1', bad) })(`https://rp.example:${port}/`)),
      ).toContain('is not public')
    expect(await refused(outbound(named('127.0.0.1', '::1'))(`http://rp.example:${port}/`))).toContain('::1')
    expect(await refused(outbound(named('127.0.0.1', '1.1.1.1'))(`http://rp.example:${port}/`))).toContain(
      'http is',
    )
    expect(await refused(outbound(named())('https://rp.example/'))).toContain('no address')
  })

  it('looks like every other failure', async () => {
    const port = await answering((_req, res) => void res.writeHead(999).end())
    const failures = await Promise.all(
      [
        'https://10.0.0.1/',
        'https://x.invalid/',
        'mailto:x',
        `http://127.0.0.1:${port}/`,
        'http://127.0.0.1:1/',
      ].map(url => outbound()(url).catch((error: unknown) => error as Error)),
    )
    for (const failure of failures)
      expect(Object.getOwnPropertyNames(failure).sort()).toEqual(['message', 'name', 'stack'])
    expect(new Set(failures.map(String)).size).toBe(1)
  })

  it('is named in the log, and no more of the URL', async () => {
    await refused(outbound({ allow: [] })('https://127.0.0.1:8443/secret-path?secret=1'))
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ level: 30, host: '127.0.0.1:8443' })
    expect(lines.at(-1)).not.toContain('secret')
  })
})

describe('an address that is allowed', () => {
  it.each([
    ['127.0.0.0/8', '127.0.0.1'],
    ['127.0.0.1', '0x7f.1'],
    ['127.0.0.1', '[::ffff:127.0.0.1]'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
  ])('%s lets %s through', async (allow, host) => {
    const port = await answering(hello)
    expect(await (await patient({ allow: [allow] })(`http://${host}:${port}/`)).text()).toBe('hello')
  })

  it('is the one that is connected to: the name is not looked up again', async () => {
    const port = await answering(hello, '127.0.0.2')
    let asked = 0
    const resolve = async () => (++asked === 1 ? ['127.0.0.2'] : ['127.0.0.1'])
    // This name has no address at all outside of `resolve`.
    const answer = await patient({ resolve })(`http://rebinding.invalid:${port}/`)
    expect([await answer.text(), asked, seen.at(-1)?.headers.host]).toEqual([
      'hello',
      1,
      `rebinding.invalid:${port}`,
    ])
  })

  it('is tried next when the first does not answer', async () => {
    const port = await answering(hello, '127.0.0.3')
    const answer = await patient(named('127.0.0.2', '127.0.0.3'))(`http://two.invalid:${port}/`)
    expect(await answer.text()).toBe('hello')
  })
})

describe('over TLS', () => {
  const secured = async (certificate: { cert: string; key: string }) =>
    at('127.0.0.1', createTlsServer(certificate, hello))

  it('the name must be that of the certificate, and the certificate one that is trusted', async () => {
    const certificate = createCertificate('rp.example')
    const port = await secured(certificate)
    const ask = patient(named('127.0.0.1'))
    await refused(ask(`https://rp.example:${port}/`))
    expect(reason()).toMatch(/self-signed/)
    setDefaultCACertificates([...defaultAuthorities, certificate.cert])
    expect(await (await ask(`https://rp.example:${port}/`)).text()).toBe('hello')
    expect(await (await ask(`https://rp.example.:${port}/`)).text()).toBe('hello')
    await refused(ask(`https://other.example:${port}/`))
    expect(reason()).toMatch(/altnames/)
    await refused(ask(`https://127.0.0.1:${port}/`))
  })

  it('a server that never finishes its greeting is not waited for', async () => {
    const port = await at(
      '127.0.0.1',
      createTcpServer(() => undefined),
    )
    await refused(outbound({ ms: 100, ...named('127.0.0.1') })(`https://rp.example:${port}/`))
  })
})

it('takes only ranges', () => {
  expect(() => createOutbound({ allow: ['example.com'] })).toThrow('example.com')
})

describe('a name', () => {
  const { signal } = new AbortController()
  it('of the hosts file is found there', async () => {
    for (const name of ['localhost', 'localhost.'])
      expect(await resolveName(name, signal)).toContain('127.0.0.1')
  })
  it('that nobody has is an error', async () => {
    await expect(resolveName('nobody.invalid', signal)).rejects.toThrow(/nobody\.invalid/)
  })
})
