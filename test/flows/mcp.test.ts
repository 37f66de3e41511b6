// The MCP SDK and an MCP server that Latchkey protects: from nothing but the server's address to a tool that answers.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { auth, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, redirectOf } from '../support/authorization.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import {
  MCP_CALLBACK,
  type McpApplication,
  type McpServer,
  mcpAddress,
  mcpApplication,
  notesResource,
  READ_NOTES,
  startMcpServer,
} from '../support/mcp.ts'
import { allKnow } from '../support/minted.ts'
import { ordersFile } from '../support/orders.ts'

const DESKTOP = 'notes-desktop'

let app: TestApp
let server: McpServer
let host: DocumentHost
beforeAll(async () => {
  const { port, resource } = await mcpAddress()
  host = await startDocumentHost()
  app = await startApp(
    {
      CLIENT_REGISTRATION: 'open',
      CLIENT_ID_METADATA_DOCUMENTS: host.host,
      OUTBOUND_ALLOW: '127.0.0.1,::1',
    },
    {
      resources: [notesResource(resource, { self_registered: true })],
      accounts: ordersFile.accounts.map(({ roles: _, ...account }) => account),
      clients: [
        {
          client_id: DESKTOP,
          client_name: 'Notes on the desktop',
          application_type: 'native',
          redirect_uris: ['http://127.0.0.1/callback'],
          grant_types: ['authorization_code', 'refresh_token'],
          token_endpoint_auth_method: 'none',
          resource_scopes: { [resource]: [READ_NOTES] },
        },
      ],
    },
  )
  server = await startMcpServer({ issuer: app.issuer, port, resource })
})
afterAll(async () => {
  await server?.close()
  await app?.close()
  await host?.close()
})

/** The server knows it too. */
async function apply(file: object): Promise<void> {
  await app.apply(file)
  await allKnow(app)
}

/** A person answers what the application asks. @returns the code that comes back to it */
async function allow(application: McpApplication): Promise<string> {
  if (!application.asked) throw new Error('the application asked for nothing')
  const agent = app.agent()
  const page = await answer(agent, await agent.get(application.asked.href))
  expect(page.location).toMatch(`${MCP_CALLBACK}?`)
  return redirectOf(page).get('code') ?? ''
}

/** As a resource server would. */
const verify = (jwt = '') =>
  jwtVerify(jwt, createRemoteJWKSet(new URL(`${app.issuer}/jwks`)), {
    issuer: app.issuer,
    audience: server.resource,
    typ: 'at+jwt',
  })

describe('an application that was registered before', () => {
  const registered = () => mcpApplication({ client: { client_id: DESKTOP } })

  test("the SDK's auth() finds everything from the server's address, and gets a token for it", async () => {
    const application = registered()
    expect(await auth(application, { serverUrl: server.resource })).toBe('REDIRECT')
    expect(Object.fromEntries(application.asked?.searchParams ?? [])).toMatchObject({
      client_id: DESKTOP,
      resource: server.resource,
      scope: READ_NOTES,
      code_challenge_method: 'S256',
    })
    const authorizationCode = await allow(application)
    expect(await auth(application, { serverUrl: server.resource, authorizationCode })).toBe('AUTHORIZED')
    const { payload } = await verify(application.given?.access_token)
    expect(payload).toMatchObject({ aud: server.resource, client_id: DESKTOP, scope: READ_NOTES })

    const before = application.given?.refresh_token
    expect(await auth(application, { serverUrl: server.resource })).toBe('AUTHORIZED')
    expect(application.given?.refresh_token).not.toBe(before)
    expect((await verify(application.given?.access_token)).payload.aud).toBe(server.resource)
  })

  test('the whole way: 401, sign-in, a tool that answers', async () => {
    const application = registered()
    const connect = async () => {
      const transport = new StreamableHTTPClientTransport(new URL(server.resource), {
        authProvider: application,
      })
      const client = new Client({ name: 'notes-desktop', version: '1.0.0' })
      await client.connect(transport as Transport)
      return { client, transport }
    }
    await expect(connect()).rejects.toThrow(UnauthorizedError)
    const authorizationCode = await allow(application)
    await auth(application, { serverUrl: server.resource, authorizationCode })
    const { client } = await connect()
    const { payload } = await verify(application.given?.access_token)
    expect(await client.callTool({ name: 'list_notes' })).toMatchObject({
      content: [{ type: 'text', text: expect.stringContaining(`"owner":"${payload.sub}"`) }],
    })
    await client.close()
  })
})

/** From the server's address to its tools, as an application that nobody has registered. */
async function begin(application: McpApplication) {
  const { resource: serverUrl } = server
  expect(await auth(application, { serverUrl })).toBe('REDIRECT')
  expect(await auth(application, { serverUrl, authorizationCode: await allow(application) })).toBe(
    'AUTHORIZED',
  )
  const { payload } = await verify(application.given?.access_token)
  expect(payload).toMatchObject({
    aud: server.resource,
    client_id: application.client?.client_id,
    scope: READ_NOTES,
  })
  const transport = new StreamableHTTPClientTransport(new URL(serverUrl), { authProvider: application })
  const client = new Client({ name: 'notes-desktop', version: '1.0.0' })
  await client.connect(transport as Transport)
  const { tools } = await client.listTools()
  await client.close()
  expect(tools.map(({ name }) => name)).toEqual(['list_notes'])
  expect(await auth(application, { serverUrl })).toBe('AUTHORIZED')
}

const registrationOf = (application: McpApplication) =>
  app.db
    .selectFrom('client')
    .select(['registration', 'token_endpoint_auth_method'])
    .where('client_id', '=', application.client?.client_id ?? '')
    .executeTakeFirst()

describe('an application that nobody has registered', () => {
  test.each(['none', 'client_secret_basic', 'client_secret_post', undefined])(
    'registers itself, with the method %s, and gets a token for the server',
    async method => {
      const application = mcpApplication({ metadata: { token_endpoint_auth_method: method } })
      await begin(application)
      expect(await registrationOf(application)).toEqual({
        registration: 'dynamic',
        token_endpoint_auth_method: method ?? 'client_secret_basic',
      })
    },
  )

  test('is the address of a document about it, where both sides can do that', async () => {
    const clientMetadataUrl = host.describe('/notes.json', { redirect_uris: ['http://127.0.0.1/callback'] })
    const application = mcpApplication({ clientMetadataUrl })
    await begin(application)
    expect(application.client?.client_id).toBe(clientMetadataUrl)
    expect(await registrationOf(application)).toEqual({
      registration: 'metadata_document',
      token_endpoint_auth_method: 'none',
    })
  })

  test('gets nothing of a scope that is not open', async () => {
    await apply({ resources: [notesResource(server.resource)] })
    try {
      const application = mcpApplication()
      await auth(application, { serverUrl: server.resource })
      const page = await app.agent().get(application.asked?.href ?? '')
      expect(page.text + page.location).toContain('invalid_target')
    } finally {
      await apply({ resources: [notesResource(server.resource, { self_registered: true })] })
    }
  })
})

describe('the server turns away', () => {
  const call = (headers: Record<string, string>) =>
    fetch(server.resource, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
  const metadata = () => server.resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')

  test.each([
    ['no token', {}, ''],
    ['what is no JWT', { authorization: 'Bearer some-text' }, 'error="invalid_token"'],
    [
      'a JWT of nobody',
      { authorization: 'Bearer eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl' },
      'error="invalid_token"',
    ],
  ])('%s, and says where to begin', async (_, headers: Record<string, string>, error) => {
    const refused = await call(headers)
    expect(refused.status).toBe(401)
    const challenge = refused.headers.get('www-authenticate')
    expect(challenge).toContain(`Bearer resource_metadata="${metadata()}"`)
    expect(challenge).toContain(error)
  })

  test('a token for another API of the same issuer', async () => {
    const { access_token: token } = await clientToken()
    const refused = await call({ authorization: `Bearer ${token}` })
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ])
  })

  async function clientToken(): Promise<{ access_token: string }> {
    const other = 'https://other.example.com'
    await apply({
      resources: [{ identifier: other, name: 'Other', scopes: { [READ_NOTES]: { description: 'Read' } } }],
      clients: [
        {
          client_id: 'other-service',
          client_secret: 'other-service-secret-for-tests-0123456789',
          grant_types: ['client_credentials'],
          resource_scopes: { [other]: [READ_NOTES] },
        },
      ],
    })
    const response = await fetch(`${app.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('other-service:other-service-secret-for-tests-0123456789')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: other }),
    })
    return (await response.json()) as { access_token: string }
  }
})

test('the document is for everybody', async () => {
  const address = server.resource.replace('/mcp', '/.well-known/oauth-protected-resource/mcp')
  const response = await fetch(address)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(await response.json()).toEqual({
    resource: server.resource,
    authorization_servers: [app.issuer],
    scopes_supported: [READ_NOTES],
    bearer_methods_supported: ['header'],
    resource_name: 'Notes',
  })
})
