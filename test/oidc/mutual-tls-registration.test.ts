// Clients that register themselves with certificates (RFC 8705, sections 2.1.2, 2.2.2 and 3.4).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { createSelfSigned } from '../support/certificates.ts'
import { BEHIND_PROXY, certifiedPost } from '../support/certified.ts'
import { CERTIFICATE_MISTAKES, keyOf, named, registeredWith } from '../support/client-certificate-settings.ts'
import { keySet } from '../support/client-settings.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { INITIAL_ACCESS_TOKENS, REDIRECT_URI, register, send } from '../support/registration.ts'

const own = createSelfSigned()
const next = createSelfSigned()
const file = { ...ordersFile, initial_access_tokens: INITIAL_ACCESS_TOKENS }

let plain: TestApp
let app: TestApp
beforeAll(async () => {
  plain = await startApp({}, file)
  app = await startApp(BEHIND_PROXY, file)
})
afterAll(async () => {
  await plain?.close()
  await app?.close()
})

const metadata = (more: object) => ({ redirect_uris: [REDIRECT_URI], ...more })
const service = (more: object) => ({ grant_types: ['client_credentials'], ...more })
const CREDENTIALS = { grant_type: 'client_credentials', resource: ORDERS }

test('a client registers its certificate, is bound to it, and replaces it', async () => {
  const bound = { tls_client_certificate_bound_access_tokens: true }
  const { status, body } = await register(
    app,
    service({ ...registeredWith({ jwks: keySet(keyOf(own)) }), ...bound }),
  )
  expect(status).toBe(201)
  expect(body).toMatchObject({
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: keySet(keyOf(own)),
    ...bound,
  })
  expect(body).not.toHaveProperty('client_secret')
  const { client_id, registration_client_uri: uri, registration_access_token: token } = body
  expect((await certifiedPost(app, own, { client_id }, CREDENTIALS)).status).toBe(200)
  const replaced = await send(uri, 'PUT', {
    token,
    body: { client_id, ...service(registeredWith({ jwks: keySet(keyOf(next)) })) },
  })
  expect(replaced.status).toBe(200)
  expect(replaced.body).not.toHaveProperty('tls_client_certificate_bound_access_tokens')
  expect((await certifiedPost(app, own, { client_id }, CREDENTIALS)).status).toBe(401)
  expect((await certifiedPost(app, next, { client_id }, CREDENTIALS)).status).toBe(200)
})

describe('refused', () => {
  test.each(CERTIFICATE_MISTAKES)('%s', async (_what, settings, path, message) => {
    const { status, body } = await register(app, metadata(settings))
    expect([status, body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(body.error_description).toMatch(
      new RegExp(`${path.replace(/[.[\]]/g, '\\$&')} .*${message.source.replace('^', '')}`, 's'),
    )
  })

  test.each<[string, object]>([
    ['token_endpoint_auth_method self_signed_tls_client_auth', registeredWith({ jwks: keySet(keyOf(own)) })],
    ['token_endpoint_auth_method tls_client_auth', named({ tls_client_auth_san_dns: 'a.example' })],
    ['tls_client_certificate_bound_access_tokens', { tls_client_certificate_bound_access_tokens: true }],
  ])('%s, where no certificate gets here', async (what, settings) => {
    const { status, body } = await register(plain, metadata(settings))
    expect([status, body.error, body.error_description]).toEqual([
      400,
      'invalid_client_metadata',
      `${what} is not offered here: leave it out`,
    ])
  })
})
