// Clients whose client_id is the address of a document about them (draft-ietf-oauth-client-id-metadata-document).
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { deleteClient, setClientDisabled } from '../../src/clients/client-state.ts'
import { createChangeLog } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, protocolPost, redirectOf, sentOnOf } from '../support/authorization.ts'
import { DOCUMENT_CALLBACK, type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { clientOf, type DocumentWorld, LOCAL, NOTES, startDocumentWorld } from '../support/document-world.ts'
import { parse } from '../support/html.ts'
import { until } from '../support/process.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'

let world: DocumentWorld
let host: DocumentHost
let app: TestApp
beforeAll(async () => {
  world = await startDocumentWorld()
  ;({ host, app } = world)
})
afterAll(() => world?.close())

const ask: DocumentWorld['ask'] = (clientId, params) => world.ask(clientId, params)
const flow: DocumentWorld['flow'] = (clientId, params) => world.flow(clientId, params)
const row: DocumentWorld['row'] = clientId => world.row(clientId)
const age: DocumentWorld['age'] = (clientId, days) => world.age(clientId, days)

describe('a client that describes itself', () => {
  test('gets a token for what the resource has opened, and a person is told what is known of it', async () => {
    const clientId = host.describe('/desktop.json')
    const agent = app.agent()
    const { url } = authorizationRequest(app.issuer, clientOf(clientId), {
      scope: 'read',
      resource: NOTES,
      nonce: undefined,
    })
    const signIn = await agent.follow(await agent.get(url))
    const consent = await agent.follow(
      await agent.submit(signIn, { username: 'ada', password: 'correct horse battery staple' }),
    )
    const words = parse(consent.text).text
    for (const part of [
      'Notes on the desktop',
      `As described by ${host.host}`,
      'Not verified',
      '127.0.0.1:8090',
    ])
      expect(words).toContain(part)

    const { token } = await flow(clientId)
    expect(decodeJwt(token.body.access_token ?? '')).toMatchObject({
      aud: NOTES,
      client_id: clientId,
      scope: 'read',
    })
    const refreshed = await protocolPost(app.issuer, '/token', clientOf(clientId), {
      grant_type: 'refresh_token',
      refresh_token: token.body.refresh_token ?? '',
    })
    expect(refreshed.status).toBe(200)
    expect(host.asked('/desktop.json')).toBe(1)
    expect(await row(clientId)).toMatchObject({
      registration: 'metadata_document',
      application_type: 'native',
      organization_id: null,
      require_consent: true,
      require_pkce: true,
    })
  })

  test('gets nothing that is not open to it, and nothing for itself', async () => {
    const clientId = host.describe('/greedy.json', {
      grant_types: [
        'authorization_code',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
    })
    expect(sentOnOf(await ask(clientId, { scope: 'write', resource: NOTES })).get('error')).toBe(
      'invalid_scope',
    )
    expect((await row(clientId))?.grant_types).toEqual(['authorization_code'])
    const own = await protocolPost(app.issuer, '/token', clientOf(clientId), {
      grant_type: 'client_credentials',
      resource: NOTES,
    })
    expect([own.status, own.body.access_token]).toEqual([400, undefined])
  })

  test('proves itself with a key, where it has one', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] }
    const clientId = host.describe('/keyed.json', {
      redirect_uris: ['https://app.example.com/callback'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
    })
    expect((await row(clientId)) === undefined).toBe(true)
    const client = { client_id: clientId, redirect_uris: ['https://app.example.com/callback'] }
    const { url, verifier } = authorizationRequest(app.issuer, client, {
      scope: 'read',
      resource: NOTES,
      nonce: undefined,
    })
    const agent = app.agent()
    const code = redirectOf(await answer(agent, await agent.get(url))).get('code') ?? ''
    const exchange = (more: Record<string, string>) =>
      protocolPost(app.issuer, '/token', undefined, {
        grant_type: 'authorization_code',
        code,
        code_verifier: verifier,
        redirect_uri: client.redirect_uris[0] ?? '',
        ...more,
      })
    expect((await exchange({ client_id: clientId })).body.error).toBe('invalid_client')
    const assertion = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(app.issuer)
      .setIssuedAt()
      .setExpirationTime('1m')
      .setJti('once')
      .sign(privateKey)
    const given = await exchange({
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    })
    expect(given.body).toMatchObject({ token_type: 'Bearer', scope: 'read' })
    expect((await row(clientId))?.application_type).toBe('web')
  })

  test('of a native application uses any port', async () => {
    const clientId = host.describe('/ports.json', {
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
    })
    for (const redirect of ['http://127.0.0.1:50123/callback', 'http://localhost:50124/callback']) {
      const page = await app
        .agent()
        .get(
          authorizationRequest(app.issuer, clientOf(clientId), { redirect_uri: redirect, scope: 'openid' })
            .url,
        )
      expect([page.status, page.location]).toEqual([303, expect.stringContaining('/interaction/')])
    }
    const elsewhere = 'http://127.0.0.1:50123/other'
    const page = await ask(clientId, { redirect_uri: elsewhere, scope: 'openid' })
    expect([page.status, page.text]).toEqual([400, expect.stringContaining('invalid_redirect_uri')])
  })

  test('is found by an administrator; who allowed it withdraws', async () => {
    const clientId = host.describe('/looked-after.json')
    const at = encodeURIComponent(clientId)
    await flow(clientId)
    await app.db.updateTable('account').set({ admin: true }).where('username', '=', 'bob').execute()
    const bob = await signedInAgent(app, 'bob')
    expect((await bob.get('/clients')).text).toContain('Notes on the desktop')
    const page = await bob.get(`/clients/${at}`)
    expect([page.status, page.text]).toEqual([200, expect.stringContaining(clientId)])

    const ada = await signedInAgent(app, 'ada')
    const applications = await ada.get('/account/applications')
    const action = `/account/applications/${at}/withdraw`
    expect((await ada.submit(applications, {}, { action })).status).toBe(303)
    const consents = app.db.selectFrom('consent').select('scopes').where('client_id', '=', clientId)
    expect(await consents.execute()).toEqual([])
  })

  test('is said to be possible, where it is', async () => {
    for (const path of ['openid-configuration', 'oauth-authorization-server']) {
      const metadata = await (await fetch(`${app.issuer}/.well-known/${path}`)).json()
      expect(metadata).toMatchObject({ client_id_metadata_document_supported: true })
    }
  })
})

describe('a document is refused', () => {
  const long = 'x'.repeat(20_000)
  const deep = `${'['.repeat(20)}${']'.repeat(20)}`
  it.each<[string, (path: string) => string, string]>([
    [
      'for another client_id',
      path => host.describe(path, { client_id: host.address('/other.json') }),
      'names another client_id',
    ],
    ['without a client_id', path => host.describe(path, { client_id: undefined }), 'names another client_id'],
    [
      'with a secret',
      path => host.describe(path, { client_secret: 'anybody can read it' }),
      'anybody can read it',
    ],
    [
      'with a method that needs a secret',
      path => host.describe(path, { token_endpoint_auth_method: 'client_secret_basic' }),
      'none or private_key_jwt',
    ],
    [
      'with a key method and no key',
      path => host.describe(path, { token_endpoint_auth_method: 'private_key_jwt' }),
      'jwks',
    ],
    [
      'with plain http to a host',
      path => host.describe(path, { redirect_uris: ['http://app.example.com/'] }),
      'must use https',
    ],
    [
      'with a wildcard',
      path => host.describe(path, { redirect_uris: ['https://*.example.com/'] }),
      'wildcard',
    ],
    ['without a redirect URI', path => host.describe(path, { redirect_uris: [] }), 'redirect_uris'],
    ['without PKCE', path => host.describe(path, { require_pkce: false }), 'require_pkce'],
    [
      'with a script for a home page',
      path => host.describe(path, { client_uri: 'javascript:alert(1)' }),
      'client_uri',
    ],
    ['with too long a name', path => host.describe(path, { client_name: 'x'.repeat(5000) }), 'client_name'],
    ['that is too long', path => host.describe(path, { more: long }), 'is longer than'],
    ['nested too deep', path => host.serve(path, { body: `{"more":${deep}}` }), 'nested deeper'],
    ['with U+0000', path => host.describe(path, { client_name: 'a\u0000b' }), 'U+0000'],
    ['that is no JSON', path => host.serve(path, { body: '{' }), 'not valid JSON'],
    ['that is a list', path => host.serve(path, { body: [] }), 'not a JSON object'],
    ['as a page', path => host.describe(path, {}, { 'content-type': 'text/html' }), 'could not be read'],
    [
      'that is elsewhere',
      path => host.serve(path, { status: 302, headers: { location: host.describe('/target.json') } }),
      'could not be read',
    ],
    ['that is not there', path => host.address(path), 'could not be read'],
  ])('%s', async (what, serve, message) => {
    const path = `/${what.replaceAll(/\W+/g, '-')}.json`
    const clientId = serve(path)
    const page = await ask(clientId)
    expect([page.status, page.location]).toEqual([400, undefined])
    expect(page.text).toContain('invalid_client')
    expect(page.text).toContain(message)
    const token = await protocolPost(app.issuer, '/token', clientOf(clientId), {
      grant_type: 'refresh_token',
      refresh_token: 'x',
    })
    expect([token.status, token.body.error]).toEqual([401, 'invalid_client'])
    expect(token.body.error_description).toContain(message)
    // It was not asked for again.
    expect(host.asked(path)).toBe(1)
    expect(await row(clientId)).toBeUndefined()
  })

  it('of a host that is not listed, without asking', async () => {
    const elsewhere = await startDocumentHost()
    try {
      const page = await ask(elsewhere.describe('/desktop.json'))
      expect([page.status, page.text]).toEqual([400, expect.stringContaining('invalid_client')])
      expect(elsewhere.asked('/desktop.json')).toBe(0)
    } finally {
      await elsewhere.close()
    }
  })

  it.each([
    ['no path', ''],
    ['the root', '/'],
    ['a query', '/query.json?a=b'],
    ['a fragment', '/fragment.json#part'],
    ['dots', '/a/../dots.json'],
    ['encoded dots', '/a/%2e%2e/dots.json'],
    ['more than 255 characters', `/${'x'.repeat(255)}`],
  ])('at an address with %s, without asking', async (_what, path) => {
    host.describe(path)
    expect((await ask(host.address(path))).status).toBe(400)
    expect(host.asked(path.split('#')[0] ?? '')).toBe(0)
  })

  it('for good where the operator shut its client', async () => {
    const clientId = host.describe('/shut.json')
    await flow(clientId)
    await transaction(app.db, tx => setClientDisabled(tx, clientId, true))
    await until('it is refused', async () => (await ask(clientId)).status === 400)
    await age(clientId, 4)
    expect((await ask(clientId)).status).toBe(400)
    expect(host.asked('/shut.json')).toBe(1)
  })

  it('for a while where the operator deleted its client', async () => {
    const clientId = host.describe('/deleted.json')
    await flow(clientId)
    const changeLog = createChangeLog({ db: app.db, log: app.log })
    const { revoke } = createRevocations({ db: app.db, changeLog })
    await transaction(app.db, tx => revoke(tx, { kind: 'client', id: clientId, reason: 'deleted' }))
    await until('it is refused', async () => (await ask(clientId)).status === 400)
    await transaction(app.db, tx => deleteClient(tx, clientId))
    expect((await ask(clientId)).status).toBe(400)
    expect(host.asked('/deleted.json')).toBe(1)
    expect(await row(clientId)).toBeUndefined()
  })

  it('where it is the address of a client that somebody here described: that one counts', async () => {
    const clientId = host.describe('/ours.json')
    await app.apply({
      clients: [
        {
          client_id: clientId,
          client_name: 'Ours',
          redirect_uris: [DOCUMENT_CALLBACK],
          token_endpoint_auth_method: 'none',
        },
      ],
    })
    expect((await ask(clientId)).status).toBe(303)
    expect(host.asked('/ours.json')).toBe(0)
  })

  it('from the day its host is not listed any more', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const service = 'https://gone.example.com/service.json'
    const closed = await startApp(LOCAL, {
      clients: [
        {
          client_id: service,
          redirect_uris: [DOCUMENT_CALLBACK],
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [await exportJWK(publicKey)] },
        },
        {
          client_id: 'https://gone.example.com/desktop.json',
          redirect_uris: [DOCUMENT_CALLBACK],
          token_endpoint_auth_method: 'none',
        },
      ],
    })
    try {
      await closed.db.updateTable('client').set({ registration: 'metadata_document' }).execute()
      const client = clientOf('https://gone.example.com/desktop.json')
      const page = await closed.agent().get(authorizationRequest(closed.issuer, client).url)
      expect([page.status, page.text]).toEqual([400, expect.stringContaining('invalid_client')])
      // However it names itself, and whatever it proves.
      for (const named of [{}, { client_id: '' }, { client_id: service }]) {
        const assertion = await new SignJWT({ jti: randomUUID() })
          .setProtectedHeader({ alg: 'ES256' })
          .setIssuer(service)
          .setSubject(service)
          .setAudience(closed.issuer)
          .setExpirationTime('1m')
          .sign(privateKey)
        const { status, body } = await protocolPost(closed.issuer, '/token', undefined, {
          ...named,
          client_assertion: assertion,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          grant_type: 'authorization_code',
          code: 'x',
          redirect_uri: DOCUMENT_CALLBACK,
        })
        expect([status, body.error]).toEqual([401, 'invalid_client'])
      }
      const metadata = await (await fetch(`${closed.issuer}/.well-known/openid-configuration`)).json()
      expect(metadata).not.toHaveProperty('client_id_metadata_document_supported')
    } finally {
      await closed.close()
    }
  })
})
