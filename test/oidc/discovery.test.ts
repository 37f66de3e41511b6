import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ ISSUER: 'https://id.example.com' })
})
afterAll(() => app.close())

const get = (path: string) => fetchAs('id.example.com', path)

/** The issuer is not where the test listens, as behind a proxy. */
async function fetchAs(host: string, path: string) {
  const { request } = await import('node:http')
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port: app.config.port, path, headers: { host } },
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
  expect(keys).toEqual([
    { kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: text, x: text, y: text },
    { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid: text, x: text },
    { kty: 'RSA', alg: 'RS256', use: 'sig', kid: text, e: text, n: text },
  ])
  expect(headers['access-control-allow-origin']).toBe('*')
})

test.each(['/ciba', '/backchannel'])('%s is not there', async path => {
  expect((await get(path)).status).toBe(404)
})

test('another Host is 421, and Host and forwarding headers change nothing', async () => {
  expect((await fetchAs('evil.example', '/.well-known/openid-configuration')).status).toBe(421)
})
