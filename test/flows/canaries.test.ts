// A stolen database dump and the log hold nothing that authenticates. A whole life is lived with the server that an
// operator starts, at the most talkative log level; then every secret of it is looked for in every row and every line.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import { connect } from '../../src/db/connect.ts'
import { listSigningKeys } from '../../src/keys/signing-keys.ts'
import { createLog } from '../../src/log.ts'
import { createKeyring, type Purpose } from '../../src/secrets/keyring.ts'
import { createInvitation } from '../../src/sign-in/invitation.ts'
import { type Agent, createAgent } from '../support/agent.ts'
import { codeFlow, protocolPost } from '../support/authorization.ts'
import { type Canaries, createCanaries } from '../support/canaries.ts'
import { askForCodes, decide, devicesFile, enterCode, poll } from '../support/devices.ts'
import { dump } from '../support/dump.ts'
import { formOf } from '../support/node-requests.ts'
import { billing, ORDERS, ordersSpa, ordersWeb, PASSWORD, STOCK } from '../support/orders.ts'
import { type TestDatabase, testDatabase } from '../support/postgres.ts'
import {
  INITIAL_ACCESS_TOKENS,
  INITIAL_TOKEN,
  REDIRECT_URI,
  register,
  send,
} from '../support/registration.ts'
import { launch, type ServerProcess } from '../support/server-process.ts'
import { shownOnce } from '../support/signed-in-agent.ts'
import { signMessage, signSimply } from '../support/signing.ts'

const MASTER = randomBytes(32)
const PURPOSES: readonly Purpose[] = ['pepper', 'seal', 'cookie', 'csrf', 'dpop-nonce', 'refresh']

let canaries: Canaries
let unwatch: () => void
let database: TestDatabase
let directory: string
let server: ServerProcess
/** Of the middle of the life: what the end removes is in this one. */
let rows: Map<string, string>[]

beforeAll(async () => {
  canaries = createCanaries()
  unwatch = canaries.watchFetch()
  database = await testDatabase()
  directory = await mkdtemp(join(tmpdir(), 'latchkey-canaries-'))
  const file = join(directory, 'latchkey.json')
  await writeFile(file, JSON.stringify({ ...devicesFile, initial_access_tokens: INITIAL_ACCESS_TOKENS }))
  for (const client of devicesFile.clients as readonly { client_id: string; client_secret?: string }[])
    canaries.add(`secret of ${client.client_id}`, client.client_secret)
  server = await launch({
    databaseUrl: database.url,
    env: {
      LATCHKEY_CONFIG: file,
      LATCHKEY_SECRETS: MASTER.toString('base64url'),
      LOG_LEVEL: 'trace',
      DATA_DIR: directory,
    },
  })
  await server.ready()
  rows = []
  await live(server.issuer)
  await server.end()
  rows.push(await dump(database.url))
})

afterAll(async () => {
  unwatch?.()
  await server?.end()
  await database?.drop()
  await rm(directory, { recursive: true, force: true })
})

async function live(issuer: string): Promise<void> {
  await ownSecrets()
  await firstAdmin(issuer)
  await mistakes(issuer)
  await registration(issuer)
  const newcomer = createAgent(issuer)
  await newcomer.submit(await newcomer.get('/sign-up'), {
    username: 'grace',
    name: 'Grace Hopper',
    email: 'grace@example.com',
    password: 'a newcomer picks this password',
  })
  const ada = createAgent(issuer)
  const scope = 'openid offline_access read:orders'
  const { token } = await codeFlow(issuer, ada, ordersWeb, { params: { scope } })
  const opaque = await codeFlow(issuer, ada, ordersSpa, {
    params: { scope: 'openid read:stock', resource: STOCK },
  })
  const refreshed = await protocolPost(issuer, '/token', ordersWeb, {
    grant_type: 'refresh_token',
    refresh_token: token.body.refresh_token ?? '',
  })
  expect([token.status, opaque.token.status, refreshed.status]).toEqual([200, 200, 200])
  await protocolPost(issuer, '/token', billing, { grant_type: 'client_credentials' })
  await fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${token.body.access_token}` } })
  for (const [client, { body }] of [
    [ordersWeb, token],
    [ordersSpa, opaque.token],
  ] as const)
    for (const one of [body.access_token, body.refresh_token])
      await protocolPost(issuer, '/introspect', client, { token: one ?? '' })
  await device(issuer, ada)
  await signingSecret(issuer, ada)
  await ada.get('/account/sessions')
  // Those that are reported end with it: the last ones, which nobody needs any more.
  const { access_token, refresh_token } = opaque.token.body
  const leaked = { tokens: [access_token, refresh_token], source: `https://example.com/?t=${access_token}` }
  const headers = { 'content-type': 'application/json' }
  await fetch(`${issuer}/v1/leaks`, { method: 'POST', headers, body: JSON.stringify(leaked) })
  rows.push(await dump(database.url))
  await outage(issuer)
  await protocolPost(issuer, '/revoke', ordersWeb, { token: refreshed.body.access_token ?? '' })
  await protocolPost(issuer, '/revoke', ordersWeb, { token: refreshed.body.refresh_token ?? '' })
  const leaving = await ada.get(`/end_session?id_token_hint=${token.body.id_token}`)
  rows.push(await dump(database.url))
  expect((await ada.submit(leaving, {}, { button: 'Sign out' })).status).toBe(303)
  expect((await newcomer.submit(await newcomer.get('/account'), {}, { button: 'Sign out' })).status).toBe(303)
}

/** One that is let in, and one that still waits when the rows are looked at. */
async function device(issuer: string, person: Agent): Promise<void> {
  for (const waits of [false, true]) {
    const { device_code, user_code } = await askForCodes(issuer)
    canaries.add('a user code without its dash', user_code.replace('-', ''))
    const question = await enterCode(person, user_code)
    if (waits) continue
    await decide(person, question, 'allow')
    expect((await poll(issuer, device_code)).status).toBe(200)
  }
}

/** It is made, used, and replaced by another one. */
async function signingSecret(issuer: string, person: Agent): Promise<void> {
  const list = '/clients/billing/signing-secrets'
  const fields = { name: 'nightly', scope: [`${ORDERS} read:orders`], expires_in: 'never' }
  const made = await person.submit(await person.get(`${list}/new`), fields, {
    button: 'Create signing secret',
  })
  const [, id = ''] = /signing-secrets\/(\w{16})/.exec(made.text) ?? /KEY_ID=(\w{16})/.exec(made.text) ?? []
  const rotated = await person.submit(await person.get(`${list}/${id}/rotate`), {}, { button: 'Rotate' })
  const url = `${issuer}/v1/credentials/self`
  for (const page of [made, rotated]) {
    const secret = shownOnce(page)
    canaries.add('a signing secret', secret)
    const used = [signMessage({ id, secret }, { url }), signSimply({ id, secret }, { url })]
    for (const headers of used) expect((await fetch(url, { headers })).status).toBe(200)
  }
}

/** What never leaves the process. */
async function ownSecrets(): Promise<void> {
  const keyring = createKeyring([MASTER])
  canaries.add('LATCHKEY_SECRETS', MASTER)
  for (const purpose of PURPOSES)
    for (const { key } of keyring.derive(purpose)) canaries.add(`the key for ${purpose}`, key)
  const db = connect(database.url, { poolSize: 1, log: createLog('silent') })
  for (const { alg, privateJwk } of await listSigningKeys(db, keyring))
    for (const part of [privateJwk.d, privateJwk.p, privateJwk.q]) canaries.add(`the ${alg} key`, part)
  const { id } = await db.selectFrom('account').select('id').limit(1).executeTakeFirstOrThrow()
  canaries.add('an invitation', await createInvitation(db, keyring, id))
  await db.destroy()
}

async function firstAdmin(issuer: string): Promise<void> {
  const link = /^admin (.+)$/m.exec(server.printed())?.[1] ?? ''
  const admin = createAgent(issuer)
  const { action, hidden } = formOf(await admin.get(link))
  const fields = {
    username: 'root',
    name: 'Root',
    email: 'root@example.com',
    password: 'an administrator picks this',
  }
  expect((await admin.post(action, { ...hidden, ...fields })).status).toBe(303)
  await admin.get('/admin')
}

/** A client registers itself, is refused, changes itself; one of two deletes itself. */
async function registration(issuer: string): Promise<void> {
  for (const { name, token } of INITIAL_ACCESS_TOKENS) canaries.add(`initial access token ${name}`, token)
  for (const token of [undefined, 'an-initial-access-token-that-is-mistyped-0123', INITIAL_TOKEN]) {
    const { status, body } = await register({ issuer }, undefined, token)
    if (status !== 201) continue
    const { client_id, client_secret, registration_access_token: own, registration_client_uri: url } = body
    const put = { client_id, client_secret, redirect_uris: [REDIRECT_URI] }
    expect((await send(url, 'GET', { token: own })).status).toBe(200)
    expect((await send(url, 'PUT', { token: own, body: put })).status).toBe(200)
    const refused = { ...put, client_secret: `${client_secret}x`, client_name: `${client_secret}y` }
    expect((await send(url, 'PUT', { token: own, body: refused })).status).toBe(400)
    expect((await send(url, 'DELETE', { token: `${own}z` })).status).toBe(401)
    await protocolPost(issuer, '/token', body, { grant_type: 'authorization_code', code: 'x'.repeat(43) })
  }
  const { body } = await register({ issuer })
  await send(body.registration_client_uri, 'DELETE', { token: body.registration_access_token })
}

/** Secrets where they do not belong, and wrong ones: what is refused must not be written down either. */
async function mistakes(issuer: string): Promise<void> {
  const agent = createAgent(issuer)
  const typed = 'typed into the field for names'
  canaries.add('a password typed as username', typed)
  await agent.submit(await agent.get('/sign-in'), { username: typed, password: PASSWORD })
  await agent.submit(await agent.get('/sign-in'), { username: 'ada', password: 'nearly the right password' })
  await agent.submit(await agent.get('/sign-up'), {
    username: 'x',
    password: 'short of a name and an address',
  })
  const wrong = { ...ordersWeb, client_secret: 'a mistyped secret of the client' }
  const code = randomBytes(32).toString('base64url')
  await protocolPost(issuer, '/token', wrong, { grant_type: 'authorization_code', code })
  await protocolPost(issuer, '/token', ordersWeb, {
    grant_type: 'authorization_code',
    code,
    code_verifier: code,
  })
  await protocolPost(issuer, '/token', ordersWeb, { grant_type: 'refresh_token', refresh_token: `${code}x` })
  await protocolPost(issuer, '/introspect', ordersWeb, { token: `${code}y` })
  await protocolPost(issuer, '/revoke', ordersWeb, { token: `${code}\0z` })
  await fetch(`${issuer}/userinfo?access_token=${code}q`)
  await fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${code}h` } })
  await agent.get(`/interaction/${code.slice(0, 21)}`)
  await agent.get(`/admin/first-account?token=${code}l`)
  await agent.post('/sign-in', { username: 'ada', password: PASSWORD, csrf: `${code}c` })
}

/** What fails is logged with its reasons. */
async function outage(issuer: string): Promise<void> {
  const { pathname } = new URL(database.url)
  const name = pathname.slice(1)
  const elsewhere = new pg.Client({ connectionString: database.url.replace(pathname, '/postgres') })
  await elsewhere.connect()
  const agent = createAgent(issuer)
  const page = await agent.get('/sign-in')
  await elsewhere.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`)
  await elsewhere.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
  await agent.submit(page, { username: 'ada', password: PASSWORD })
  const code = randomBytes(32).toString('base64url')
  await protocolPost(issuer, '/token', ordersWeb, {
    grant_type: 'authorization_code',
    code,
    code_verifier: code,
  })
  await elsewhere.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`)
  await elsewhere.end()
}

test('the life had all kinds of secrets in it', () => {
  for (const kind of [
    'password sent',
    'client_secret sent',
    'code_verifier sent',
    'code in a redirect',
    'access_token received',
    'refresh_token received',
    'id_token received',
    'device_code received',
    'user_code received',
    'user_code sent',
    'id_token_hint in a request',
    'token in a request',
    'registration_access_token received',
    'client_secret received',
    'csrf in a page',
    'xsrf in a page',
    'interaction in a redirect',
    'cookie latchkey_session',
    'cookie latchkey_session.sig',
    'cookie latchkey_csrf',
    'cookie latchkey_device',
    'cookie latchkey_interaction',
    'cookie latchkey_resume',
    'the ES256 key',
    'the EdDSA key',
    'the RS256 key',
    'LATCHKEY_SECRETS',
  ])
    expect([...canaries.names]).toContain(kind)
  expect(server.log()).toContain('"path":"/token"')
})

describe('the search', () => {
  test('finds what is planted', async () => {
    const { url, drop } = await testDatabase()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('CREATE TABLE scratch (text text, bytea bytea, jsonb jsonb)')
    const token = randomBytes(32)
    const planted = { in: token.toString('base64url'), quoted: 'a "quoted" \\ pass\tword' }
    const search = createCanaries()
    for (const [name, value] of Object.entries(planted)) search.add(name, value)
    const searched = async (column: string, value: unknown) => {
      await client.query('TRUNCATE scratch')
      await client.query(`INSERT INTO scratch (${column}) VALUES ($1)`, [value])
      return search.findIn([...(await dump(url)).values()].join('\n'))
    }
    expect(await searched('text', `…${planted.in}…`)).toEqual(['in (raw)'])
    expect(await searched('bytea', Buffer.from(planted.in))).toEqual(['in (hex)'])
    expect(await searched('bytea', token)).toEqual(['in (decoded, hex)'])
    expect(await searched('jsonb', JSON.stringify({ a: [planted.in] }))).toEqual(['in (raw)'])
    expect(await searched('jsonb', JSON.stringify({ a: [planted.quoted] }))).toEqual(['quoted (json)'])
    for (const before of ['', 'a', 'ab']) {
      const within = Buffer.from(`${before}${planted.quoted}${before}`)
      for (const encoding of ['base64', 'base64url'] as const)
        expect(await searched('text', within.toString(encoding))).toEqual([
          expect.stringMatching(/^quoted \(base64/),
        ])
    }
    expect(await searched('text', token.toString('hex').toUpperCase())).toEqual(['in (decoded, hex)'])
    expect(await searched('text', 'nothing at all')).toEqual([])
    await client.end()
    await drop()
  })
})

test('no row of any table holds a secret', () => {
  const found = rows.flatMap(tables =>
    [...tables].flatMap(([table, text]) => canaries.findIn(text).map(what => `${table}: ${what}`)),
  )
  expect([...new Set(found)]).toEqual([])
})

test('no line of the log holds a secret', () => {
  const found = server
    .log()
    .split('\n')
    .flatMap(line => canaries.findIn(line).map(what => `${what} in ${line.slice(0, 300)}`))
  expect(found).toEqual([])
})
