// The documents of status lists, at the front door.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { appendChange } from '../../src/db/change-log.ts'
import { createSweeper } from '../../src/db/sweep.ts'
import { SIGNING_KEY_CHANGE } from '../../src/keys/signing-keys.ts'
import { statusSweep } from '../../src/keys/status-lists.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { allKnow } from '../support/minted.ts'
import { billing, ORDERS, ordersFile } from '../support/orders.ts'
import { storeSigningKey } from '../support/signing-key.ts'
import { bitAt, inflate, readerOf } from '../support/status-reader.ts'

let app: TestApp
let token: string
let uri: string
beforeAll(async () => {
  app = await startApp({}, ordersFile)
  token = await newToken()
  uri = statusOf(token).uri
})
afterAll(() => app.close())

async function newToken(): Promise<string> {
  const params = { grant_type: 'client_credentials', resource: ORDERS }
  return (await protocolPost(app.issuer, '/token', billing, params)).body.access_token ?? ''
}

const statusOf = (jwt: string) =>
  decodeJwt<{ status: { status_list: { idx: number; uri: string } } }>(jwt).status.status_list

const revoke = (jwt: string) => protocolPost(app.issuer, '/revoke', billing, { token: jwt })

test('the reader of these tests reads the example of the draft', () => {
  const list = inflate('eNrbuRgAAhcBXQ')
  expect([...list]).toEqual([0xb9, 0xa3])
  const bits = Array.from({ length: 16 }, (_, idx) => bitAt(list, idx))
  expect(bits).toEqual([1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1])
})

test('a list is a signed document', async () => {
  const answer = await fetch(uri)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/statuslist+jwt')
  expect(answer.headers.get('cache-control')).toBe('max-age=60')
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expect(answer.headers.get('etag')).toMatch(/^"[\w-]+"$/)
  const jwt = await answer.text()
  expect(decodeProtectedHeader(jwt)).toEqual({
    alg: 'ES256',
    kid: expect.any(String),
    typ: 'statuslist+jwt',
  })
  const claims = decodeJwt(jwt)
  const { iat = 0 } = claims
  expect(claims).toEqual({
    sub: uri,
    iat: expect.any(Number),
    exp: iat + 300,
    ttl: 60,
    status_list: { bits: 1, lst: expect.any(String), aggregation_uri: `${app.issuer}/status-lists` },
  })
  const { lst } = claims.status_list as { lst: string }
  expect(inflate(lst).length * 8).toBe(1_000_000)
})

test('it is answered from memory, and 304 to who has it', async () => {
  const first = await fetch(uri)
  const etag = first.headers.get('etag') ?? ''
  const again = await fetch(uri, { headers: { 'if-none-match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
  expect(again.headers.get('etag')).toBe(etag)
  const several = await fetch(uri, { headers: { 'if-none-match': `"other", W/${etag}` } })
  expect(several.status).toBe(304)
  expect((await fetch(uri, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  expect(await (await fetch(uri)).text()).toBe(await first.text())
  const head = await fetch(uri, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('whatever is accepted, it is the document', async () => {
  const answer = await fetch(uri, { headers: { accept: 'application/statuslist+cwt' } })
  expect(answer.headers.get('content-type')).toBe('application/statuslist+jwt')
})

test('a script of any origin may read it, with a preflight for If-None-Match', async () => {
  const preflight = await fetch(uri, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'if-none-match',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-headers')).toBe('If-None-Match')
  expect((await fetch(uri)).headers.get('access-control-expose-headers')).toBe('ETag')
})

test.each(['1', '0', '01', '2147483648', '9999999999', '99999999999', 'x', '1/2'])(
  'there is no list %s',
  async id => {
    expect((await fetch(`${app.issuer}/status-lists/${id}`)).status).toBe(404)
  },
)

test('it can only be read', async () => {
  const answer = await fetch(uri, { method: 'POST' })
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
})

test('discovery names the list of lists, which names the list', async () => {
  const discovery = await (await fetch(`${app.issuer}/.well-known/openid-configuration`)).json()
  const { status_list_aggregation_endpoint: all } = discovery as Record<string, string>
  expect(all).toBe(`${app.issuer}/status-lists`)
  const answer = await fetch(all ?? '')
  expect(answer.headers.get('content-type')).toContain('application/json')
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expect(await answer.json()).toEqual({ status_lists: [uri] })
})

describe('one token that is revoked', () => {
  test('by its client at /revoke: its bit and no other', async () => {
    const others = [await newToken(), await newToken()]
    const revoked = await newToken()
    await readerOf(app.issuer).statusOf(revoked) // the list is in memory
    expect((await revoke(revoked)).status).toBe(200)
    const reader = readerOf(app.issuer)
    expect(await reader.statusOf(revoked)).toBe(1)
    for (const other of [token, ...others]) expect(await reader.statusOf(other)).toBe(0)
  })

  test('by itself', async () => {
    const revoked = await newToken()
    const self = `${app.issuer}/v1/credentials/self`
    const answer = await fetch(self, { method: 'DELETE', headers: { authorization: `Bearer ${revoked}` } })
    expect(answer.status).toBe(204)
    expect(await readerOf(app.issuer).statusOf(revoked)).toBe(1)
  })

  test('every revocation is in the very next answer', async () => {
    for (let times = 0; times < 5; times++) {
      const revoked = await newToken()
      expect(await readerOf(app.issuer).statusOf(revoked)).toBe(0)
      await revoke(revoked)
      expect(await readerOf(app.issuer).statusOf(revoked)).toBe(1)
    }
  })

  test('made-up ids in the list of revocations change nothing', async () => {
    const { uri: of } = statusOf(token)
    const list = of.split('/').at(-1)
    const random = 'abcdefabcdefabcdefabcdef'
    const ids = [`x-${list}-0`, `${random}-${list}-x`, `${random}-${list}-9999999`, `-${list}-`]
    for (const id of ids)
      await app.db.insertInto('revocation').values({ kind: 'token', id, reason: 'a test' }).execute()
    await appendChange(app.db, 'client', { client_id: 'nobody' })
    await allKnow(app)
    expect(await readerOf(app.issuer).statusOf(token)).toBe(0)
  })
})

test('another signing key signs it anew', async () => {
  const kid = async () => decodeProtectedHeader(await (await fetch(uri)).text()).kid
  const before = await kid()
  await app.db
    .updateTable('signing_key')
    .set({ state: 'previous' })
    .where('alg', '=', 'ES256')
    .where('state', '=', 'current')
    .execute()
  const key = await storeSigningKey(app.db, app.keyring, { alg: 'ES256', state: 'current' })
  await appendChange(app.db, SIGNING_KEY_CHANGE, { kid: key.kid })
  await allKnow(app)
  expect(await kid()).toBe(key.kid)
  expect(key.kid).not.toBe(before)
})

test('a list is gone when the last token of it has expired', async () => {
  await app.db
    .updateTable('status_list')
    .set({ expires_at: new Date(Date.now() - 1_000) })
    .execute()
  await app.db
    .updateTable('status_block')
    .set({ expires_at: new Date(Date.now() - 1_000) })
    .execute()
  await appendChange(app.db, 'client', { client_id: 'nobody' })
  await allKnow(app)
  expect((await fetch(uri)).status).toBe(404)
  expect(await (await fetch(`${app.issuer}/status-lists`)).json()).toEqual({ status_lists: [] })
  const sweeper = createSweeper({ db: app.db, log: app.log })
  sweeper.register(...statusSweep)
  await sweeper.runOnce()
  for (const table of ['status_list', 'status_block'] as const)
    expect(await app.db.selectFrom(table).selectAll().execute()).toEqual([])
})
