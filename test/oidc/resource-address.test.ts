// One address, two spellings: what is asked for may have either, what is given has the registered one.
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, codeFlow, protocolPost, redirectOf } from '../support/authorization.ts'
import { ordersFile } from '../support/orders.ts'

const PLAIN = 'https://plain.example.com'
const SLASH = 'https://slash.example.com/'
const PATH = 'https://path.example.com/mcp'

const scopes = { read: { description: 'Read it' }, admin: { description: 'All of it', restricted: true } }
const resource = (identifier: string) => ({ identifier, name: identifier, scopes })
const ceiling = { [PLAIN]: ['read', 'admin'], [SLASH]: ['read'], [PATH]: ['read'] }
const service = {
  client_id: 'service',
  client_secret: 'service-secret-for-tests-only-0123456789abc',
  grant_types: ['client_credentials'],
  resource_scopes: ceiling,
}
const web = {
  client_id: 'web',
  client_secret: 'web-secret-for-tests-only-0123456789abcdef',
  redirect_uris: ['http://127.0.0.1:8080/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  resource_scopes: ceiling,
}

let app: TestApp
beforeAll(async () => {
  app = await startApp(
    {},
    {
      resources: [PLAIN, SLASH, PATH].map(resource),
      accounts: ordersFile.accounts.map(({ roles: _, ...account }) => account),
      clients: [service, web],
    },
  )
})
afterAll(() => app.close())

const audienceOf = (token: Record<string, string>) => decodeJwt(token.access_token ?? '').aud

describe('the parameter resource', () => {
  test.each([
    [PLAIN, PLAIN],
    [`${PLAIN}/`, PLAIN],
    [SLASH, SLASH],
    [SLASH.slice(0, -1), SLASH],
    [PATH, PATH],
  ])('%s: the token says %s', async (asked, registered) => {
    const own = await protocolPost(app.issuer, '/token', service, {
      grant_type: 'client_credentials',
      resource: asked,
    })
    expect(audienceOf(own.body)).toBe(registered)

    // Asked for in one spelling, exchanged in the other, and refreshed without one.
    const { token } = await codeFlow(app.issuer, app.agent(), web, {
      params: { scope: 'read', resource: asked, nonce: undefined },
      token: { resource: registered },
    })
    expect([audienceOf(token.body), token.body.scope]).toEqual([registered, 'read'])
    for (const more of [{}, { resource: asked }]) {
      const refreshed = await protocolPost(app.issuer, '/token', web, {
        grant_type: 'refresh_token',
        refresh_token: token.body.refresh_token ?? '',
        ...more,
      })
      expect(audienceOf(refreshed.body)).toBe(registered)
    }
  })

  test('several, each in another spelling', async () => {
    const { token } = await codeFlow(app.issuer, app.agent(), web, {
      params: { scope: 'read', resource: [`${PLAIN}/`, SLASH.slice(0, -1)], nonce: undefined },
      token: { resource: SLASH },
    })
    expect(audienceOf(token.body)).toBe(SLASH)
  })

  test('in a pushed request', async () => {
    const params = { scope: 'read', resource: `${PLAIN}/`, nonce: undefined }
    const { url, verifier } = authorizationRequest(app.issuer, web, params)
    const pushed = await protocolPost(app.issuer, '/par', web, Object.fromEntries(new URL(url).searchParams))
    expect(pushed.status).toBe(201)
    const agent = app.agent()
    const query = new URLSearchParams({ client_id: 'web', request_uri: pushed.body.request_uri ?? '' })
    const redirect = redirectOf(await answer(agent, await agent.get(`/authorize?${query}`)))
    const token = await protocolPost(app.issuer, '/token', web, {
      grant_type: 'authorization_code',
      code: redirect.get('code') ?? '',
      redirect_uri: web.redirect_uris[0] ?? '',
      code_verifier: verifier,
    })
    expect(audienceOf(token.body)).toBe(PLAIN)
  })

  test.each([
    `${PATH}/`,
    'https://path.example.com',
    'https://path.example.com/',
    'https://PLAIN.example.com',
    'https://plain.example.com//',
    'http://plain.example.com',
    'https://plain.example.com:8443/',
  ])('%s is another address', async asked => {
    const { status, body } = await protocolPost(app.issuer, '/token', service, {
      grant_type: 'client_credentials',
      resource: asked,
    })
    expect([status, body.error]).toEqual([400, 'invalid_target'])
    const page = await app.agent().get(authorizationRequest(app.issuer, web, { resource: asked }).url)
    expect(redirectOf(page).get('error')).toBe('invalid_target')
  })
})

describe('a request without scope', () => {
  const scopeFor = async (params: Record<string, string | undefined>) => {
    const { token } = await codeFlow(app.issuer, app.agent(), web, {
      params: { nonce: undefined, scope: undefined, ...params },
      token: params.resource === undefined ? { resource: PLAIN } : {},
    })
    return [token.body.scope, token.body.error]
  }

  test('that names a resource asks for what needs no role there', async () => {
    expect(await scopeFor({ resource: `${PLAIN}/` })).toEqual(['read', undefined])
  })

  test('that names one which is not for this client is refused as ever', async () => {
    const page = await app
      .agent()
      .get(
        authorizationRequest(app.issuer, web, { scope: undefined, resource: 'https://nobody.example.com' })
          .url,
      )
    expect(redirectOf(page).get('error')).toBe('invalid_target')
  })
})

test('more resources than anybody has are not looked for', async () => {
  const many = Array.from({ length: 21 }, (_, at) => `https://${at}.example.com`)
  for (const path of ['/token', '/par', '/device_authorization']) {
    const { status, body } = await protocolPost(app.issuer, path, { client_id: 'nobody' }, { resource: many })
    expect([status, body.error]).toEqual([400, 'invalid_target'])
  }
  const { url } = authorizationRequest(app.issuer, web, { resource: many })
  expect((await app.agent().get(url)).status).toBe(400)
})

describe('registering', () => {
  const file = (identifier: string) => app.apply({ resources: [resource(identifier)] })

  it.each([
    [
      `${PLAIN}/`,
      /resources\[0\]\.identifier: is the address of another resource, https:\/\/plain\.example\.com:/,
    ],
    [SLASH.slice(0, -1), /is the address of another resource, https:\/\/slash\.example\.com\//],
    ['https://New.example.com', /must be written as URL parsers write it: https:\/\/new\.example\.com$/m],
    [
      'https://new.example.com:443/',
      /must be written as URL parsers write it: https:\/\/new\.example\.com$/m,
    ],
    [
      'https://new.example.com/a/../b',
      /must be written as URL parsers write it: https:\/\/new\.example\.com\/b/,
    ],
  ])('%s is refused', async (identifier, message) => {
    await expect(file(identifier)).rejects.toThrow(message)
  })

  it('two in one file are refused as well', async () => {
    const both = ['https://two.example.com', 'https://two.example.com/'].map(resource)
    await expect(app.apply({ resources: both })).rejects.toThrow(/is the address of another resource/)
  })

  it.each(['urn:example:api', 'https://new.example.com/mcp/', 'https://new.example.com/?tenant=1'])(
    '%s is taken as it is',
    async identifier => {
      await file(identifier)
      await file(identifier)
      expect(
        await app.db.selectFrom('resource').select('name').where('identifier', '=', identifier).execute(),
      ).toEqual([{ name: identifier }])
    },
  )
})
