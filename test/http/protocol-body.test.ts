// In front of a real oidc-provider: it reads what was checked, and never finds that somebody read before it.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import Provider from 'oidc-provider'
import type { Context } from '../../src/http/context.ts'
import { defineOrigin } from '../../src/http/issuer-request.ts'
import { limitBody, protocolBody } from '../../src/http/protocol-body.ts'
import { ask, FORM, type Ground, ground, raw } from './ground.ts'

const ISSUER = 'http://id.test'
const BASIC = { authorization: `Basic ${Buffer.from('app:a-secret-of-the-application').toString('base64')}` }

const patient = limitBody({ bytes: 64 * 1024, ms: 60_000 })
const impatient = limitBody({ bytes: 64 * 1024, ms: 300 })

let server: Ground
let provider: Provider
let replace: ((body: URLSearchParams) => void) | undefined

// The provider says on the console what it finds odd: its defaults in this small setup, and a body already read.
const said: string[] = []

beforeAll(async () => {
  for (const way of ['warn', 'info'] as const) {
    jest.spyOn(console, way).mockImplementation(text => void said.push(String(text)))
  }
  provider = new Provider(ISSUER, {
    clients: [
      {
        client_id: 'app',
        client_secret: 'a-secret-of-the-application',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      registration: { enabled: true },
    },
    cookies: { keys: ['x'] },
  })
  defineOrigin(provider, ISSUER)
  const answer = provider.callback()
  server = await ground({
    routes: () => [
      (ctx, next) => (ctx.get('x-impatient') === '' ? patient : impatient)(ctx, next),
      async (ctx: Context) => {
        replace?.(protocolBody(ctx))
        ctx.respond = false
        await answer(ctx.req, ctx.res)
      },
    ],
  })
})
afterAll(async () => {
  await server.close()
  jest.restoreAllMocks()
})

const post = (path: string, body: string, headers: Record<string, string> = FORM) =>
  ask(server, { method: 'POST', path, headers: { ...BASIC, ...headers }, body })

describe('limitBody', () => {
  it('leaves the body to the provider, silently', async () => {
    const plain = await post('/token', 'grant_type=client_credentials')
    const chunked = await post('/token', 'grant_type=client_credentials', {
      ...FORM,
      'transfer-encoding': 'chunked',
    })
    const utf8 = await post('/token', 'grant_type=client_credentials', {
      'content-type': `${FORM['content-type']}; charset=utf-8`,
    })
    for (const answer of [plain, chunked, utf8]) {
      expect(answer.status).toBe(200)
      expect(answer.json().token_type).toBe('Bearer')
    }
    for (const headers of [FORM, { ...FORM, 'transfer-encoding': 'chunked' }, {}]) {
      expect((await post('/token', '', headers)).json().error).toBe('invalid_request')
    }
    expect(said.join()).toContain('in-memory adapter')
    expect(said.join()).not.toContain('already parsed')
  })

  it('hands over every character as it was', async () => {
    const value = 'é 💡+&=%"\\\r\n;'
    const echoed = post('/token/introspection', new URLSearchParams({ token: value }).toString())
    const seen = new Promise<string | null>(resolve => {
      provider.once('introspection.error', () => resolve(null))
      replace = body => resolve(body.get('token'))
    })
    expect(await seen).toBe(value)
    replace = undefined
    expect((await echoed).json()).toEqual({ active: false })
  })

  it('lets a parameter be replaced by one of another length', async () => {
    const { access_token: token } = (await post('/token', 'grant_type=client_credentials')).json()
    replace = body => body.set('token', String(token))
    expect((await post('/token/introspection', 'token=short')).json()).toMatchObject({
      active: true,
      client_id: 'app',
    })
    replace = undefined
  })

  it.each([
    ['a parameter twice', 'grant_type=client_credentials&grant_type=client_credentials'],
    ['broken percent-encoding', 'grant_type=%zz'],
    ['bytes that are not UTF-8', 'grant_type=%ff'],
    ['U+0000', 'grant_type=client_credentials&scope=%00'],
  ])('refuses %s as OAuth does', async (_what, body) => {
    const answer = await post('/token', body)
    expect(answer.status).toBe(400)
    expect(answer.json()).toEqual({ error: 'invalid_request', error_description: expect.any(String) })
  })

  it('lets resource and audience come twice', async () => {
    const answer = await post(
      '/token',
      'grant_type=client_credentials&resource=urn:a&resource=urn:b&audience=x&audience=y',
    )
    expect(answer.json().error_description).not.toContain('more than once')
  })

  it('refuses bodies that are too large or in another charset', async () => {
    const large = await post('/token', `grant_type=${'x'.repeat(70_000)}`)
    expect(large.status).toBe(413)
    expect(large.json().error).toBe('invalid_request')
    const charset = await post('/token', 'a=b', { 'content-type': `${FORM['content-type']}; charset=utf-7` })
    expect(charset.status).toBe(415)
  })

  it("answers what fits our limit but not the provider's as a bad request", async () => {
    expect((await post('/token', `grant_type=${'x'.repeat(60_000)}`)).status).toBe(400)
  })

  it('gives up on a body that does not arrive', async () => {
    const answer = await raw(
      server,
      `POST /token HTTP/1.1\r\nHost: id.test\r\nX-Impatient: yes\r\nContent-Type: ${FORM['content-type']}\r\nContent-Length: 10\r\n\r\na=`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 408/)
    expect(answer).toContain('"error":"invalid_request"')
  })

  it('checks JSON where the provider takes JSON', async () => {
    const type = { 'content-type': 'application/json' }
    const metadata = { redirect_uris: ['https://client.example/cb'], client_name: 'é' }
    const good = await post('/reg', JSON.stringify(metadata), type)
    expect(good.status).toBe(201)
    expect(good.json()).toMatchObject(metadata)
    expect((await post('/reg', '{"client_name":"a","client_name":"b"}', type)).status).toBe(400)
    expect((await post('/reg', '{"client_name":"\\u0000"}', type)).status).toBe(400)
  })

  it("leaves other types to the provider's own refusal", async () => {
    const answer = await post('/token', '<xml/>', { 'content-type': 'text/xml' })
    expect(answer.status).toBe(400)
    expect(answer.json().error).toBe('invalid_request')
  })

  it('reads nothing of a GET', async () => {
    const answer = await ask(server, { path: '/jwks', headers: FORM, body: 'a=%00' })
    expect(answer.status).toBe(200)
  })
})

describe('defineOrigin', () => {
  it('makes the provider build its addresses from the issuer', async () => {
    const answer = await ask(server, {
      path: '/.well-known/openid-configuration',
      headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' },
    })
    expect(answer.json()).toMatchObject({ issuer: ISSUER, token_endpoint: `${ISSUER}/token` })
    expect(answer.text).not.toContain('evil')
  })

  it('also for an absolute request target', async () => {
    const answer = await raw(
      server,
      'GET http://id.test:80/.well-known/openid-configuration HTTP/1.1\r\nHost: id.test\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toContain('"token_endpoint":"http://id.test/token"')
  })
})
