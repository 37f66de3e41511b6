import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ ISSUER: 'https://id.example.com' })
})
afterAll(() => app.close())

const get = (path: string) => fetchAs('id.example.com', path)

/** The issuer is not where the test listens, as behind a proxy. */
async function fetchAs(
  host: string,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
) {
  const { request } = await import('node:http')
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: app.config.port, path, method, headers: { host, ...headers } },
        response => {
          let body = ''
          response.on('data', chunk => {
            body += chunk
          })
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          )
        },
      )
      sent.on('error', reject)
      sent.end()
    },
  )
}

test('discovery says what is on, at both paths, and nothing else', async () => {
  const openid = await get('/.well-known/openid-configuration')
  const oauth = await get('/.well-known/oauth-authorization-server')
  expect(openid.status).toBe(200)
  expect(JSON.parse(oauth.body)).toEqual(JSON.parse(openid.body))
  expect(openid.headers['access-control-allow-origin']).toBe('*')
  expect(JSON.parse(openid.body)).toMatchSnapshot()
})

test('the JWKS has public keys only', async () => {
  const { body, headers } = await get('/jwks')
  const { keys } = JSON.parse(body) as { keys: Record<string, unknown>[] }
  const text = expect.any(String)
  const expected = [
    { kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: text, x: text, y: text },
    { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: text, x: text },
    { kty: 'RSA', alg: 'RS256', use: 'sig', kid: text, e: text, n: text },
  ]
  // Those that sign come first, then those that will.
  expect(keys.slice(0, 3)).toEqual(expected)
  expect(keys.slice(3)).toEqual(expect.arrayContaining(expected))
  expect(keys).toHaveLength(6)
  expect(headers['access-control-allow-origin']).toBe('*')
})

test.each(['/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])(
  '%s may be kept for ten minutes, and is not sent again to who has it',
  async path => {
    const first = await get(path)
    expect(first.headers['cache-control']).toBe('public, max-age=600')
    expect(first.headers['access-control-allow-origin']).toBe('*')
    expect(first.headers['set-cookie']).toBeUndefined()
    const etag = String(first.headers.etag)
    expect(etag).toMatch(/^"[\w-]{43}"$/)
    const again = await get(path)
    const varying = { date: '', 'x-request-id': '' }
    expect({ ...again, headers: { ...again.headers, ...varying } }).toEqual({
      ...first,
      headers: { ...first.headers, ...varying },
    })
    const same = await fetchAs('id.example.com', path, { headers: { 'if-none-match': etag } })
    expect([same.status, same.body, same.headers.etag]).toEqual([304, '', etag])
    const other = await fetchAs('id.example.com', path, { headers: { 'if-none-match': '"another"' } })
    expect([other.status, other.body]).toEqual([200, first.body])
    const head = await fetchAs('id.example.com', path, { method: 'HEAD' })
    expect([head.status, head.body, head.headers.etag, head.headers['content-length']]).toEqual([
      200,
      '',
      etag,
      String(first.body.length),
    ])
    expect(head.headers['content-type']).toBe(first.headers['content-type'])
  },
)

test.each(['/ciba', '/backchannel'])('%s is not there', async path => {
  expect((await get(path)).status).toBe(404)
})

test('another Host is 421, and Host and forwarding headers change nothing', async () => {
  expect((await fetchAs('evil.example', '/.well-known/openid-configuration')).status).toBe(421)
})
