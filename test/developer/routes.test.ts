// Every route of the JSON API, taken from the router: it has a rule, and the rule holds for every kind of credential.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  bearer,
  type Caller,
  callerWith,
  clientToken,
  made,
  nobody,
  personToken,
} from '../support/api-callers.ts'
import { type PublishedApi, publishedApi, routedPaths, routesOf, schemaOf } from '../support/published-api.ts'
import { ci, cli, OWN_SCOPES, refusal, startWorld, type World } from './world.ts'

let world: World
let api: PublishedApi

beforeAll(async () => {
  world = await startWorld()
  api = await publishedApi(world.app)
})
afterAll(() => world.app.close())

/** What each needs, as it must be: a change here is a change of who may do what. */
const RULES: Record<string, string> = {
  'GET /v1/credentials/self': 'any credential',
  'DELETE /v1/credentials/self': 'any credential',
  'POST /v1/credentials/self/rotate': 'any credential',
  'POST /v1/verify': 'verify',
  'GET /v1/personal-access-tokens': 'tokens:read',
  'POST /v1/personal-access-tokens': 'tokens:write',
  'GET /v1/personal-access-tokens/{id}': 'tokens:read',
  'DELETE /v1/personal-access-tokens/{id}': 'tokens:write',
  'POST /v1/personal-access-tokens/{id}/release': 'tokens:write',
  'POST /v1/personal-access-tokens/{id}/rotate': 'tokens:write',
  'GET /v1/api-keys': 'keys:read',
  'POST /v1/api-keys': 'keys:write',
  'GET /v1/api-keys/{id}': 'keys:read',
  'DELETE /v1/api-keys/{id}': 'keys:write',
  'POST /v1/api-keys/{id}/release': 'keys:write',
  'POST /v1/api-keys/{id}/rotate': 'keys:write',
  'GET /v1/client-certificates': 'keys:read',
  'POST /v1/client-certificates': 'keys:write',
  'GET /v1/client-certificates/{id}': 'keys:read',
  'DELETE /v1/client-certificates/{id}': 'keys:write',
  'GET /v1/signing-secrets': 'keys:read',
  'POST /v1/signing-secrets': 'keys:write',
  'GET /v1/signing-secrets/{id}': 'keys:read',
  'DELETE /v1/signing-secrets/{id}': 'keys:write',
  'POST /v1/signing-secrets/{id}/release': 'keys:write',
  'POST /v1/signing-secrets/{id}/rotate': 'keys:write',
  'GET /v1/clients': 'clients:read',
  'POST /v1/clients': 'clients:write',
  'GET /v1/clients/{client_id}': 'clients:read',
  'PATCH /v1/clients/{client_id}': 'clients:write',
  'DELETE /v1/clients/{client_id}': 'clients:write',
  'POST /v1/clients/{client_id}/secrets': 'clients:write',
  'GET /v1/clients/{client_id}/secrets/{secret_id}': 'clients:read',
  'POST /v1/clients/{client_id}/secrets/{secret_id}/rotate': 'clients:write',
  'DELETE /v1/clients/{client_id}/secrets/{secret_id}': 'clients:write',
  'GET /v1/resources': 'resources:read',
  'POST /v1/resources': 'resources:write',
  'GET /v1/resources/{identifier}': 'resources:read',
  'PATCH /v1/resources/{identifier}': 'resources:write',
  'DELETE /v1/resources/{identifier}': 'resources:write',
  'GET /v1/organizations': 'organizations:read',
  'POST /v1/organizations': 'organizations:write',
  'GET /v1/organizations/{id}': 'organizations:read',
  'PATCH /v1/organizations/{id}': 'organizations:write',
  'GET /v1/organizations/{id}/members': 'organizations:read',
  'POST /v1/organizations/{id}/members': 'organizations:write',
  'GET /v1/organizations/{id}/members/{account_id}': 'organizations:read',
  'PATCH /v1/organizations/{id}/members/{account_id}': 'organizations:write',
  'DELETE /v1/organizations/{id}/members/{account_id}': 'organizations:write',
  'GET /v1/usage': 'usage:read',
  'GET /v1/secrets': 'secrets:read',
  'GET /v1/signing-keys': 'signing-keys:read',
  'POST /v1/signing-keys/rotate': 'signing-keys:write',
  'POST /v1/revocations': 'revoke',
  'POST /v1/revocations/own': 'tokens:write',
  'GET /v1/accounts': 'accounts:read',
  'GET /v1/accounts/{id}': 'accounts:read',
  'PATCH /v1/accounts/{id}': 'accounts:write',
  'DELETE /v1/accounts/{id}': 'accounts:write',
}

/** Answered without a credential, for everybody. */
const DECLARED_OPEN = ['POST /v1/leaks']
const OPEN = ['GET /v1/openapi.json', ...DECLARED_OPEN]

const names = () => Object.keys(RULES)
const partsOf = (name: string) => {
  const [method = '', path = ''] = name.split(' ')
  return { method, path: path.replaceAll(/\{\w+\}/g, 'anything') }
}
const withScope = (name: string) => !['any credential'].includes(RULES[name] ?? '')

describe('every route', () => {
  it('that the router has is declared with a rule, and every rule is the one it should be', () => {
    const declared = Object.fromEntries(
      routesOf(api).map(({ method, path, scope, open }) => [
        `${method} ${path}`,
        open ? 'no credential' : (scope ?? 'any credential'),
      ]),
    )
    const open = Object.fromEntries(DECLARED_OPEN.map(name => [name, 'no credential']))
    expect(declared).toEqual({ ...RULES, ...open })
    expect(new Set(routedPaths(world.app))).toEqual(new Set([...Object.keys(RULES), ...OPEN]))
  })

  it.each(names())('%s: nobody is asked for a credential', async name => {
    const { method, path } = partsOf(name)
    const answer = await nobody(world.app).call(method, path, method === 'GET' ? undefined : {})
    expect(refusal(answer)).toEqual({ status: 401, code: 'unauthenticated' })
    expect(answer.headers['www-authenticate']).toContain(`Bearer realm="${world.app.issuer}"`)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it.each(names())('%s: a bad token is refused', async name => {
    const { method, path } = partsOf(name)
    const answer = await bearer(world.app, 'nobodys').call(method, path, method === 'GET' ? undefined : {})
    expect(refusal(answer)).toEqual({ status: 401, code: 'invalid_token' })
  })

  it.each(names().filter(withScope))('%s: without its scope is refused', async name => {
    const { method, path } = partsOf(name)
    const rule = RULES[name] ?? ''
    const others = OWN_SCOPES.filter(scope => scope !== rule).join(' ')
    const caller = await clientToken(world.app, ci, others)
    const answer = await caller.call(method, path, method === 'GET' ? undefined : {})
    expect(refusal(answer)).toEqual({ status: 403, code: 'insufficient_scope' })
    expect(answer.headers['www-authenticate']).toContain(`scope="${rule}"`)
  })

  it.each(names().filter(withScope))('%s: a token for another resource is refused', async name => {
    const { method, path } = partsOf(name)
    const other = await orders()
    const answer = await other.call(method, path, method === 'GET' ? undefined : {})
    expect(refusal(answer)).toEqual({ status: 403, code: 'wrong_audience' })
  })

  it.each(names().filter(name => !name.startsWith('GET')))(
    '%s: a session without the CSRF token',
    async name => {
      const { method, path } = partsOf(name)
      const { 'x-csrf-token': _token, ...without } = world.root.headers
      for (const headers of [
        without,
        { ...world.root.headers, 'x-csrf-token': world.ada.headers['x-csrf-token'] ?? '' },
        { ...world.root.headers, 'sec-fetch-site': 'cross-site' },
        { ...world.root.headers, 'sec-fetch-site': 'same-site' },
      ]) {
        const answer = await callerWith(world.app, headers).call(method, path, {})
        expect(refusal(answer)).toEqual({ status: 403, code: 'csrf_failed' })
      }
      const { 'sec-fetch-site': _site, ...old } = world.root.headers
      const foreign = callerWith(world.app, { ...old, origin: 'https://evil.example' })
      expect(refusal(await foreign.call(method, path, {}))).toEqual({ status: 403, code: 'csrf_failed' })
    },
  )

  it.each(names())('%s: a parameter that nobody reads', async name => {
    const { method, path } = partsOf(name)
    const answer = await world.root.call(method, `${path}?surprise=1`, method === 'GET' ? undefined : {})
    expect(refusal(answer)).toMatchObject({ status: 400, code: 'validation_failed' })
  })

  it.each(names().filter(name => /POST|PATCH|PUT/.test(name) && !name.includes('self')))(
    '%s: a body with an unknown key',
    async name => {
      const { method, path } = partsOf(name)
      const { status, code, paths } = refusal(await world.root.call(method, path, { surprise: 1 })) as {
        status: number
        code: string
        paths: string[]
      }
      expect([status, code]).toEqual([400, 'validation_failed'])
      expect(paths).toContain('surprise')
    },
  )

  it.each(names())('%s: another method at its address', async name => {
    const answer = await world.root.call('TRACE', partsOf(name).path)
    expect([405, 501]).toContain(answer.status)
  })

  let ordersToken: Promise<Caller> | undefined
  const orders = () => {
    ordersToken ??= tokenForOrders()
    return ordersToken
  }
})

async function tokenForOrders(): Promise<Caller> {
  const response = await fetch(`${world.app.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${ci.client_id}:${ci.client_secret}`)}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: 'https://api.example.com',
    }),
  })
  const { access_token: token } = (await response.json()) as { access_token: string }
  return bearer(world.app, token)
}

describe('every kind of credential is taken', () => {
  const scopes = () => ({ [world.own]: ['clients:read', 'clients:write', 'organizations:read'] })

  it.each<[string, () => Promise<Caller>]>([
    ['a session', async () => world.dev],
    ["a client's access token", async () => world.ci],
    [
      "a person's access token",
      () => personToken(world.app, cli, 'dev', 'clients:read clients:write organizations:read'),
    ],
    [
      'a personal access token',
      async () => {
        const token = await made(world.dev, '/v1/personal-access-tokens', {
          name: 'laptop',
          scopes: scopes(),
        })
        return bearer(world.app, String(token.secret))
      },
    ],
    [
      'an API key in X-API-Key',
      async () => {
        const key = await made(world.dev, '/v1/api-keys', {
          client_id: 'ci',
          name: 'deploy',
          scopes: scopes(),
        })
        return callerWith(world.app, { 'x-api-key': String(key.secret) })
      },
    ],
    [
      'an API key in Authorization',
      async () => {
        const key = await made(world.dev, '/v1/api-keys', {
          client_id: 'ci',
          name: 'deploy',
          scopes: scopes(),
        })
        return callerWith(world.app, { authorization: `ApiKey ${key.secret}` })
      },
    ],
  ])('%s', async (_name, caller) => {
    const credential = await caller()
    const { data } = (await credential.call('GET', '/v1/organizations')).json() as { data: { id: string }[] }
    expect(data.map(({ id }) => id)).toEqual(['acme'])
    const client = await made(credential, '/v1/clients', { client_name: 'App', application_kind: 'service' })
    expect(client.organization).toBe('acme')
    expect((await credential.call('DELETE', `/v1/clients/${client.client_id}`)).status).toBe(204)
    expect((await credential.call('GET', '/v1/clients/theirs')).status).toBe(404)
  })

  it('two of them at a time are ambiguous', async () => {
    const both = callerWith(world.app, { ...world.ci.headers, 'x-api-key': 'lk_live_key_x' })
    expect(refusal(await both.call('GET', '/v1/clients'))).toEqual({
      status: 400,
      code: 'ambiguous_credentials',
    })
  })

  it('none in the address', async () => {
    const answer = await nobody(world.app).call('GET', '/v1/clients?access_token=x')
    expect(answer.status).toBe(400)
  })
})

describe('the document', () => {
  it('is OpenAPI 3.1, for everybody, and every reference leads somewhere', () => {
    expect(api.openapi).toMatch(/^3\.1\.\d+$/)
    expect(api.info.title).toBe('Latchkey')
    expect(api.servers).toEqual([{ url: world.app.issuer }])
    const references = [...JSON.stringify(api).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref = '']) => ref)
    for (const reference of references) {
      const found = reference
        .replace('#/', '')
        .split('/')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], api)
      expect([reference, found]).toEqual([reference, expect.any(Object)])
    }
    expect(references.length).toBeGreaterThan(20)
  })

  it('names each operation once, and its parameters as its path does', () => {
    const routes = routesOf(api)
    const ids = routes.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, operation } of routes) {
      const inPath = (operation.parameters ?? []).filter(parameter => parameter.in === 'path')
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
      expect(inPath.every(({ required }) => required)).toBe(true)
      expect(operation.summary).not.toBe('')
      for (const name of Object.keys(operation.security[0] ?? {}))
        expect(api.components.securitySchemes).toHaveProperty(name)
    }
  })

  it('has schemas that can be used', () => {
    for (const schema of Object.values(api.components.schemas)) expect(schemaOf(api, schema)).toBeDefined()
  })
})
