// Everything that is stored under one pepper ends together: what is left under another lives on. What people, clients and
// devices hold is in test/flows/revocation-matrix.test.ts; here are the rest of the kinds, and two peppers.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { listen } from '../../src/http/server.ts'
import { createKeyring } from '../../src/secrets/keyring.ts'
import { ask } from '../http/ground.ts'
import { type Caller, callerWith, sessionOf } from '../support/api-callers.ts'
import { startApp, TEST_SECRET, type TestApp } from '../support/app.ts'
import { askForCodes, devicesFile, poll } from '../support/devices.ts'
import { freePort } from '../support/free-port.ts'
import { makeKey, SYSTEM } from '../support/minted.ts'
import { PASSWORD } from '../support/orders.ts'
import { INITIAL_ACCESS_TOKENS, INITIAL_TOKEN, register, send } from '../support/registration.ts'
import {
  makeSigningKey,
  makeSigningSecret,
  type Signer,
  signingSecretsOf,
  signMessage,
} from '../support/signing.ts'

const file = {
  ...devicesFile,
  initial_access_tokens: INITIAL_ACCESS_TOKENS,
  accounts: [...devicesFile.accounts, { username: 'root', password: PASSWORD, admin: true }],
}

let app: TestApp
let root: Caller
let pepper: string
beforeAll(async () => {
  app = await startApp({}, file)
  root = await sessionOf(app, 'root')
  pepper = app.keyring.derive('pepper')[0]?.id ?? ''
})
afterAll(() => app.close())

async function revoke(filter: object): Promise<unknown> {
  const { plan } = (await root.call('POST', '/v1/revocations', filter)).json()
  const done = await root.call('POST', '/v1/revocations', { ...filter, dry_run: false, plan })
  expect(done.status).toBe(200)
  return done.json().by_kind
}

test('the token that a client manages its registration with', async () => {
  const { body } = await register(app)
  const { client_id, registration_access_token: token, registration_client_uri: uri } = body
  const other = (await register(app)).body
  expect((await send(uri, 'GET', { token })).status).toBe(200)
  const kind = 'registration-access-token'
  expect(await revoke({ kind, client_id, pepper_version: 'nobodys' })).toEqual({})
  expect(await revoke({ kind, client_id, pepper_version: pepper })).toEqual({ [kind]: 1 })
  expect((await send(uri, 'GET', { token })).status).toBe(401)
  expect(await revoke({ kind, client_id })).toEqual({})
  const still = await send(other.registration_client_uri, 'GET', { token: other.registration_access_token })
  expect(still.status).toBe(200)
  // What has ended hangs on no secret.
  const { data } = (await root.call('GET', '/v1/secrets')).json()
  expect(data).toEqual([expect.objectContaining({ id: pepper, state: 'newest' })])
})

test('a device that waits', async () => {
  const { device_code } = await askForCodes(app.issuer)
  expect((await poll(app.issuer, device_code)).body.error).toBe('authorization_pending')
  const kind = 'device-code'
  expect(await revoke({ kind, client_id: 'orders-tv', pepper_version: pepper })).toEqual({ [kind]: 1 })
  expect((await poll(app.issuer, device_code)).body.error).toBe('expired_token')
})

test('a secret for signing requests, which is sealed and not hashed', async () => {
  const secret = await makeSigningSecret(app)
  await signingSecretsOf(app).rotate(SYSTEM, secret.id)
  const key = await makeSigningKey(app)
  const usesOfSeals = async () => {
    const { data } = (await root.call('GET', '/v1/secrets')).json() as {
      data: { uses: { table: string }[] }[]
    }
    return data.flatMap(({ uses }) => uses.filter(({ table }) => table === 'client_credential'))
  }
  expect(await usesOfSeals()).toEqual(Array(2).fill({ table: 'client_credential', rows: 1, until: null }))
  const kind = 'signing-secret'
  expect(await revoke({ kind, client_id: 'billing', pepper_version: 'nobodys' })).toEqual({})
  expect(await revoke({ kind, client_id: 'billing', pepper_version: pepper })).toEqual({ [kind]: 1 })
  expect(await usesOfSeals()).toEqual([])
  const statusOf = async (signer: Signer) => {
    const headers = signMessage(signer, { url: `${app.issuer}/v1/credentials/self` })
    return (await callerWith(app, headers).call('GET', '/v1/credentials/self')).status
  }
  expect([await statusOf(secret), await statusOf(key)]).toEqual([401, 200])
})

test('an initial access token, until the file is applied again', async () => {
  expect((await register(app)).status).toBe(201)
  const kind = 'initial-access-token'
  expect(await revoke({ kind, credential_id: 'partners', pepper_version: pepper })).toEqual({ [kind]: 1 })
  expect((await register(app, undefined, INITIAL_TOKEN)).status).toBe(401)
  await app.apply(file)
  expect((await register(app, undefined, INITIAL_TOKEN)).status).toBe(201)
})

test('of two peppers the old one ends with all that is under it', async () => {
  const old = await makeKey(app)
  const secret = Buffer.alloc(32, 9).toString('base64url')
  const port = await freePort()
  const config = loadConfig({
    PORT: String(port),
    ISSUER: app.issuer,
    LATCHKEY_SECRETS: `${secret},${TEST_SECRET}`,
    LOG_LEVEL: 'silent',
  })
  const keyring = createKeyring(config.secrets)
  const next = await createApp({ config, db: app.db, keyring, log: app.log })
  const server = await listen(next.koa, config)
  try {
    const fresh = await makeKey({ db: app.db, keyring })
    const there = { issuer: app.issuer, port }
    const status = async (key: string) =>
      (await ask(there, { path: '/v1/credentials/self', headers: { 'x-api-key': key } })).status
    const kind = 'api-key'
    expect(await status(fresh.secret)).toBe(200)
    expect(await revoke({ kind, client_id: 'billing', pepper_version: pepper })).toEqual({ [kind]: 1 })
    expect([await status(old.secret), await status(fresh.secret)]).toEqual([401, 200])

    // A secret that was replaced hangs on its pepper for as long as it works.
    const replaced = await makeKey(app)
    const json = { ...root.headers, 'content-type': 'application/json' }
    const path = `/v1/api-keys/${replaced.token.id}/rotate`
    const body = JSON.stringify({ retire_at: new Date(Date.now() + 3_600_000).toISOString() })
    expect((await ask(there, { method: 'POST', path, headers: json, body })).status).toBe(200)
    expect(await status(replaced.secret)).toBe(200)
    const { data } = (await ask(there, { path: '/v1/secrets', headers: root.headers })).json() as {
      data: { id: string; uses: { table: string; rows: number; until: string | null }[] }[]
    }
    const uses = data.find(({ id }) => id === pepper)?.uses.filter(({ table }) => table === 'minted_token')
    expect(uses).toEqual([{ table: 'minted_token', rows: 1, until: expect.any(String) }])
  } finally {
    await server.close()
    await next.stop()
  }
})
