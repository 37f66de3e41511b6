// Malformed requests over a real socket: 4xx, never 5xx, and the next request is served.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Ground, ground, on, raw } from './ground.ts'

let server: Ground

beforeAll(async () => {
  server = await ground({
    routes: () => [
      on('GET', '/where', ctx => {
        ctx.body = { href: ctx.href, url: ctx.url, query: ctx.query }
      }),
      on('GET', '/health/ready', ctx => {
        ctx.body = { host: ctx.host }
      }),
      on('GET', '/v1/forward-auth/nginx', ctx => {
        ctx.body = {}
      }),
    ],
  })
})
afterAll(() => server.close())

const get = (target: string, more = '') =>
  raw(server, `GET ${target} HTTP/1.1\r\nHost: id.test\r\nConnection: close\r\n${more}\r\n`)
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

describe('a request target', () => {
  it.each([
    ['/%zz', 400],
    ['/%', 400],
    ['/%ff', 400],
    ['/%00', 400],
    ['/a%00b?x=1', 400],
    ['/where?x=%00', 400],
    ['/where?%00=x', 400],
    ['/where?x=%ED%A0%80', 400],
    ['/where?x=%E0%A4%A', 400],
    [`/where?${'a=1&'.repeat(300)}`, 400],
    ['/where#fragment', 400],
    ['/where\\..', 400],
    ['//', 404],
    ['//evil.test/where', 404],
    ['/..//../etc/passwd', 404],
    ['*', 400],
    ['where', 400],
    ['http://evil.test/where', 421],
    ['https://id.test/where', 421],
    ['http://user@id.test/where', 400],
    ['ftp://id.test/where', 400],
    ['http://', 400],
    ['http://id.test/%00', 400],
    [`/${'a'.repeat(40_000)}`, 431],
  ])('%.60s is %d', async (target, status) => {
    expect(statusOf(await get(target))).toBe(status)
  })

  it.each([['/where\xff'], ['/where\x80?x=\xfe']])('with raw bytes is 400', async target => {
    expect(
      statusOf(
        await raw(
          server,
          Buffer.from(`GET ${target} HTTP/1.1\r\nHost: id.test\r\nConnection: close\r\n\r\n`, 'latin1'),
        ),
      ),
    ).toBe(400)
  })

  it('in absolute-form of the issuer is the same as in origin-form', async () => {
    const answer = await get('HTTP://ID.test:80/where?a=b')
    expect(statusOf(answer)).toBe(200)
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toEqual({
      href: 'http://id.test/where?a=b',
      url: '/where?a=b',
      query: { a: 'b' },
    })
  })
})

describe('the Host header', () => {
  const asked = async (hosts: string, target = '/where', version = '1.1') =>
    statusOf(await raw(server, `GET ${target} HTTP/${version}\r\n${hosts}Connection: close\r\n\r\n`))

  it.each([
    ['Host: id.test\r\n', 200],
    ['Host: ID.Test\r\n', 200],
    ['Host: id.test:80\r\n', 200],
    ['Host: id.test:443\r\n', 421],
    ['Host: id.test:8080\r\n', 421],
    ['Host: id.test.\r\n', 421],
    ['Host: evil.test\r\n', 421],
    ['Host: id.test, evil.test\r\n', 421],
    ['Host: user@id.test\r\n', 421],
    ['Host: id.test@evil.test\r\n', 421],
    ['Host: \r\n', 421],
    ['Host: id.test\r\nHost: id.test\r\n', 400],
    ['Host: id.test\r\nhost: evil.test\r\n', 400],
    ['Host: evil.test\r\nX-Forwarded-Host: id.test\r\n', 421],
    ['', 400],
  ])('%j is %d', async (hosts, status) => {
    expect(await asked(hosts)).toBe(status)
  })

  it('absent in HTTP/1.0 is 421', async () => {
    expect(await asked('', '/where', '1.0')).toBe(421)
  })

  it('does not matter for health and forward-auth, where it changes nothing', async () => {
    const answer = await raw(
      server,
      'GET /health/ready HTTP/1.1\r\nHost: 10.0.0.7:3000\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toContain('{"host":"id.test"}')
    expect(await asked('Host: other\r\n', '/v1/forward-auth/nginx')).toBe(200)
    expect(await asked('Host: other\r\n', '/v1/forward-authority')).toBe(421)
    expect(await asked('Host: other\r\n', '/health')).toBe(421)
  })
})

describe('what is not HTTP', () => {
  it.each([
    ['garbage', 'GARBAGE\r\n\r\n', 400],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01', 400],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: id.test\r\n: x\r\n\r\n', 400],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: id.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: id.test\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a header with NUL', 'GET / HTTP/1.1\r\nHost: id.test\r\nX: a\0b\r\n\r\n', 400],
    ['headers without end', `GET / HTTP/1.1\r\nHost: id.test\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
  ])('%s is answered and closed', async (_what, bytes, status) => {
    const answer = await raw(server, Buffer.from(bytes, 'latin1'))
    expect(statusOf(answer)).toBe(status)
    expect(answer).toMatch(/connection: close/i)
    expect(answer).toMatch(/x-content-type-options: nosniff/i)
    expect(answer).not.toMatch(/HPE_|at .*\.js/)
    expect(statusOf(await get('/where'))).toBe(200)
  })

  it('an expectation we do not know is 417', async () => {
    expect(statusOf(await get('/where', 'Expect: miracles\r\n'))).toBe(417)
  })
})
