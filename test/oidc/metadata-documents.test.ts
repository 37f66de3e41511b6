// Clients whose client_id is the address of a document about them (draft-ietf-oauth-client-id-metadata-document).
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sql } from 'kysely'
import { createAudit } from '../../src/audit/audit.ts'
import { deleteClient, setClientDisabled } from '../../src/clients/client-state.ts'
import { isDocumentAllowed } from '../../src/clients/document-address.ts'
import { loadConfig } from '../../src/config.ts'
import { createChangeLog } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { unusedClientSweep } from '../../src/oidc/unused-clients.ts'
import { createRevocations } from '../../src/revocation/revocation.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { answer, authorizationRequest, codeFlow, protocolPost, redirectOf } from '../support/authorization.ts'
import { DOCUMENT_CALLBACK, type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { parse } from '../support/html.ts'
import { ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'

const NOTES = 'https://notes.example.com/mcp'
const LOCAL = { OUTBOUND_ALLOW: '127.0.0.1,::1' }

let host: DocumentHost
let app: TestApp
beforeAll(async () => {
  host = await startDocumentHost()
  app = await startApp(
    { ...LOCAL, CLIENT_ID_METADATA_DOCUMENTS: `app.example.com,${host.host}` },
    {
      resources: [
        {
          identifier: NOTES,
          name: 'Notes',
          scopes: {
            read: { description: 'Read your notes', self_registered: true },
            write: { description: 'Write notes' },
          },
        },
      ],
      accounts: ordersFile.accounts.map(({ roles: _, ...account }) => account),
    },
  )
})
afterAll(async () => {
  await app?.close()
  await host?.close()
})

const clientOf = (clientId: string) => ({ client_id: clientId, redirect_uris: [DOCUMENT_CALLBACK] })
const ask = (clientId: string, params: Record<string, string | undefined> = {}) =>
  app.agent().get(authorizationRequest(app.issuer, clientOf(clientId), { nonce: undefined, ...params }).url)
const flow = (clientId: string, params: Record<string, string | undefined> = {}) =>
  codeFlow(app.issuer, app.agent(), clientOf(clientId), {
    params: { scope: 'read', resource: NOTES, nonce: undefined, ...params },
  })
const row = (clientId: string) =>
  app.db.selectFrom('client').selectAll().where('client_id', '=', clientId).executeTakeFirst()

/** Its document was read some days ago, and nobody has tried since. */
async function age(clientId: string, days: number): Promise<void> {
  const ago = sql<Date>`clock_timestamp() - make_interval(days => ${days})`
  await app.db
    .updateTable('client_metadata_document')
    .set({
      fetched_at: ago,
      tried_at: ago,
      fresh_until: sql<Date>`clock_timestamp() - interval '1 second'`,
      usable_until: sql<Date>`clock_timestamp() + make_interval(days => ${3 - days})`,
    })
    .where('client_id', '=', clientId)
    .execute()
}

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
    expect(redirectOf(await ask(clientId, { scope: 'write', resource: NOTES })).get('error')).toBe(
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
    const closed = await startApp(LOCAL, {
      clients: [
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
      const metadata = await (await fetch(`${closed.issuer}/.well-known/openid-configuration`)).json()
      expect(metadata).not.toHaveProperty('client_id_metadata_document_supported')
    } finally {
      await closed.close()
    }
  })
})

describe('in time', () => {
  test('a document that changed changes the client, and who allowed it is asked again', async () => {
    const web = {
      redirect_uris: ['https://app.example.com/callback'],
      client_name: 'Before',
      application_type: 'web',
    }
    const clientId = host.describe('/changing.json', web)
    const client = { client_id: clientId, redirect_uris: web.redirect_uris }
    const agent = app.agent()
    const params = { scope: 'read', resource: NOTES, nonce: undefined }
    await codeFlow(app.issuer, agent, client, { params })
    const consents = () =>
      app.db.selectFrom('consent').select('resource').where('client_id', '=', clientId).execute()
    expect(await consents()).toHaveLength(1)
    host.describe('/changing.json', { ...web, client_name: 'After' })
    await codeFlow(app.issuer, agent, client, { params })
    expect((await row(clientId))?.client_name).toBe('Before')
    await age(clientId, 1)
    const page = await agent.follow(await agent.get(authorizationRequest(app.issuer, client, params).url))
    expect(parse(page.text).text).toContain('After asks to use your account')
    expect(await consents()).toHaveLength(0)
    expect(host.asked('/changing.json')).toBe(2)
  })

  test.each([
    ['gone', { status: 404 }],
    ['no longer good', { body: {} }],
  ])('one that is %s holds until it is too old, and is asked for once a minute', async (what, served) => {
    const path = `/${what.replaceAll(' ', '-')}.json`
    const clientId = host.describe(path)
    const { token } = await flow(clientId)
    const refresh = () =>
      protocolPost(app.issuer, '/token', clientOf(clientId), {
        grant_type: 'refresh_token',
        refresh_token: token.body.refresh_token ?? '',
      })
    host.serve(path, served)
    await age(clientId, 2)
    expect((await refresh()).status).toBe(200)
    expect((await ask(clientId)).status).toBe(303)
    expect(host.asked(path)).toBe(2)

    await age(clientId, 4)
    for (const _ of ['asked for', 'not asked for again']) {
      const refused = await refresh()
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
      expect((await ask(clientId)).status).toBe(400)
    }
    expect(host.asked(path)).toBe(3)

    host.describe(path)
    await age(clientId, 4)
    expect((await refresh()).status).toBe(200)
  })

  test.each([
    ['max-age=7200', 7200],
    ['public, max-age="7200"', 7200],
    ['max-age=1', 300],
    ['no-store', 300],
    ['max-age=99999999', 86_400],
    ['private', 3600],
  ])('what it says of caching holds, within bounds: %s', async (caching, seconds) => {
    const path = `/caching-${caching.replaceAll(/\W+/g, '-')}.json`
    const clientId = host.describe(path, {}, { 'cache-control': caching })
    await ask(clientId)
    const { fresh } = await app.db
      .selectFrom('client_metadata_document')
      .select(sql<number>`extract(epoch FROM fresh_until - fetched_at)::float8`.as('fresh'))
      .where('client_id', '=', clientId)
      .executeTakeFirstOrThrow()
    expect(fresh).toBe(seconds)
  })

  test('who asks at the same time waits for one reading', async () => {
    const clientId = host.describe('/at-once.json')
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const document = { client_id: clientId, redirect_uris: [DOCUMENT_CALLBACK], client_name: 'At once' }
    host.serve('/at-once.json', { body: document, after: held })
    const asking = Promise.all(Array.from({ length: 10 }, () => ask(clientId)))
    await until('it is asked for', () => host.asked('/at-once.json') > 0)
    release()
    expect((await asking).map(({ status }) => status)).toEqual(Array(10).fill(303))
    expect(host.asked('/at-once.json')).toBe(1)
  })

  test('a client that nobody uses goes, and is back with its document; one that was shut stays so', async () => {
    const [unused, shut] = [host.describe('/unused.json'), host.describe('/unused-shut.json')]
    for (const one of [unused, shut]) await ask(one)
    await transaction(app.db, tx => setClientDisabled(tx, shut, true))
    const long = sql<Date>`clock_timestamp() - interval '400 days'`
    await app.db
      .updateTable('client')
      .set({ created_at: long })
      .where('client_id', 'in', [unused, shut])
      .execute()
    const { db, log } = app
    const changeLog = createChangeLog({ db, log })
    const revocations = createRevocations({ db, changeLog })
    const config = { neverUsedClientLifetime: 86_400, unusedClientLifetime: 86_400 }
    const sweep = unusedClientSweep({ db, audit: createAudit({ db, log }), revocations, config })
    expect(await sweep.run(() => false)).toBe(1)
    expect([await row(unused), (await row(shut))?.client_id]).toEqual([undefined, shut])
    // The node may still remember the one that went.
    await until(
      'it is back',
      async () => (await ask(unused)).status === 303 && (await row(unused)) !== undefined,
    )
    expect((await ask(shut)).status).toBe(400)
  })
})

describe('nobody searches a host through this server', () => {
  test('readings at the same time are few', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const paths = Array.from({ length: 12 }, (_, index) => `/slow-${index}.json`)
    const ids = paths.map(path => {
      const clientId = host.describe(path)
      host.serve(path, { body: { client_id: clientId, redirect_uris: [DOCUMENT_CALLBACK] }, after: held })
      return clientId
    })
    const asking = ids.map(id => ask(id))
    const refused = await Promise.race(asking)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    release()
    const statuses = (await Promise.all(asking)).map(({ status }) => status)
    expect(statuses.filter(status => status === 303)).toHaveLength(8)
    expect(statuses.filter(status => status === 503)).toHaveLength(4)
  })

  test('after many that are not there, only those that are known', async () => {
    const other = await startDocumentHost()
    const alone = await startApp({ ...LOCAL, CLIENT_ID_METADATA_DOCUMENTS: other.host })
    try {
      const askAlone = (id: string) =>
        alone.agent().get(authorizationRequest(alone.issuer, clientOf(id), { scope: 'openid' }).url)
      const known = other.describe('/known.json')
      expect((await askAlone(known)).status).toBe(303)
      for (let index = 0; index < 20; index++)
        expect((await askAlone(other.address(`/${index}.json`))).status).toBe(400)
      const refused = await askAlone(other.describe('/one-more.json'))
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
      expect(other.asked('/one-more.json')).toBe(0)
      expect((await askAlone(known)).status).toBe(303)
    } finally {
      await alone.close()
      await other.close()
    }
  })
})

describe('the setting', () => {
  it.each(['claude.ai', 'localhost:8443', '*.example.com', 'a.example, b.example'])('%s is taken', value => {
    expect(loadConfig({ CLIENT_ID_METADATA_DOCUMENTS: value }).clientIdMetadataDocuments).toEqual(
      value.split(', '),
    )
  })

  it.each([
    'https://claude.ai',
    'claude.ai/',
    '*',
    '*.com',
    '*.example.com:8443',
    'a.*.com',
    'Claude.ai',
    'a b',
  ])('%s is not', value => {
    expect(() => loadConfig({ CLIENT_ID_METADATA_DOCUMENTS: value })).toThrow(
      'CLIENT_ID_METADATA_DOCUMENTS has',
    )
  })

  it.each([
    ['https://app.example.com/client.json', true],
    ['https://a.b.example.com/client.json', true],
    ['https://example.com/client.json', false],
    ['https://evilexample.com/client.json', false],
    ['https://app.example.com:8443/client.json', false],
    ['https://app.example.com.evil.com/client.json', false],
    ['https://me@app.example.com/client.json', false],
    ['https://app.example.com./client.json', false],
    ['http://app.example.com/client.json', false],
    ['https:app.example.com/client.json', false],
    ['https://app.example.com\\client.json', false],
  ])('*.example.com and %s: %s', (clientId, allowed) => {
    expect(isDocumentAllowed(['*.example.com'], clientId)).toBe(allowed)
  })
})
