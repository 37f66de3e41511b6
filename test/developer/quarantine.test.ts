// What a policy has put into quarantine comes out of it: an owner of the organization has looked into it, or the person
// whose token it is.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bearer, type Caller, made, nobody } from '../support/api-callers.ts'
import { parse } from '../support/html.ts'
import { ORDERS } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { signedInAgent } from '../support/signed-in-agent.ts'
import { refusal, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({
    LEAKED_CREDENTIAL_POLICY: 'quarantine',
    DATA_DIR: mkdtempSync(join(tmpdir(), 'latchkey-quarantine-')),
  })
})
afterAll(() => world.app.close())

const KEYS = '/v1/api-keys'
const TOKENS = '/v1/personal-access-tokens'
const scopes = { [ORDERS]: ['read:orders'] }
const DENIED = { status: 403, code: 'access_denied' }

const statusOf = async (by: Caller, path: string) => (await by.call('GET', path)).json().status
const answerTo = async (secret: unknown) =>
  (await bearer(world.app, String(secret)).call('GET', '/v1/credentials/self')).status

/** Somebody has found it and tells. */
async function leaked(by: Caller, path: string, more: object = {}) {
  const { id, secret } = await made(by, path, { name: 'leaked', scopes, ...more })
  const at = `${path}/${id}`
  expect((await nobody(world.app).call('POST', '/v1/leaks', { token: secret })).status).toBe(202)
  await until('it is in quarantine', async () => (await statusOf(by, at)) === 'quarantined')
  expect(await answerTo(secret)).toBe(401)
  return { id: String(id), at, secret }
}
const leakedKey = () => leaked(world.ada, KEYS, { client_id: 'ci' })

describe('an API key', () => {
  it('is released by an owner of its organization, and by nobody else', async () => {
    const { id, at, secret } = await leakedKey()
    const release = (by: Caller) => by.call('POST', `${at}/release`)
    for (const by of [world.vic, world.dev, world.ci]) expect((await release(by)).status).toBe(403)
    expect((await release(world.mallory)).status).toBe(404)
    expect(await answerTo(secret)).toBe(401)
    const released = await release(world.ada)
    expect([released.status, released.json()]).toEqual([
      200,
      expect.objectContaining({ id, status: 'active' }),
    ])
    expect(await answerTo(secret)).toBe(200)
    // A second time it changes nothing.
    expect((await release(world.root)).json().status).toBe('active')
    const events = await world.app.db
      .selectFrom('audit_event')
      .select(['type', 'actor_type'])
      .where('subject_id', '=', id)
      .where('type', '=', 'api_key_released')
      .execute()
    expect(events).toEqual([{ type: 'api_key_released', actor_type: 'account' }])
  })

  it('gets another secret in quarantine only in place of the old one, and stays there until it is released', async () => {
    const { at, secret } = await leakedKey()
    const rotate = (body: object) => world.dev.call('POST', `${at}/rotate`, body)
    expect((await rotate({})).status).toBe(409)
    expect((await rotate({ retire_at: new Date(Date.now() + 3_600_000).toISOString() })).status).toBe(409)
    const rotated = (await rotate({ immediately: true })).json()
    expect(rotated.status).toBe('quarantined')
    expect(await answerTo(rotated.secret)).toBe(401)
    expect((await world.ada.call('POST', `${at}/release`)).status).toBe(200)
    expect([await answerTo(rotated.secret), await answerTo(secret)]).toEqual([200, 401])
  })

  it('that was revoked stays so', async () => {
    const { at, secret } = await leakedKey()
    expect((await world.ada.call('DELETE', at)).status).toBe(204)
    expect(refusal(await world.ada.call('POST', `${at}/release`))).toEqual({ status: 409, code: 'conflict' })
    expect(await answerTo(secret)).toBe(401)
  })

  it('is released at its page', async () => {
    const { id, secret } = await leakedKey()
    const page = `/clients/ci/keys/${id}`
    const dan = await signedInAgent(world.app, 'dev')
    expect((await dan.get(page)).text).not.toContain(`${page}/release`)
    expect((await dan.get(`${page}/release`)).status).toBe(403)
    const ada = await signedInAgent(world.app, 'ada')
    expect((await ada.get(page)).text).toContain(`href="${page}/release"`)
    const done = await ada.submit(await ada.get(`${page}/release`), {}, { action: `${page}/release` })
    expect([done.status, new URL(done.location ?? done.url).pathname]).toEqual([303, page])
    expect(parse((await ada.get(page)).text).text).not.toContain('Quarantined')
    expect((await ada.get(`${page}/release`)).status).toBe(404)
    expect(await answerTo(secret)).toBe(200)
  })
})

describe('a signing secret', () => {
  it('rotates at once in quarantine, and is released by an owner', async () => {
    const { id } = await made(world.ada, '/v1/signing-secrets', { client_id: 'ci', name: 'signs', scopes })
    const at = `/v1/signing-secrets/${id}`
    await world.app.db
      .updateTable('client_credential')
      .set({ quarantined_at: new Date() })
      .where('id', '=', String(id))
      .execute()
    expect((await world.dev.call('POST', `${at}/rotate`, {})).status).toBe(409)
    expect((await world.dev.call('POST', `${at}/rotate`, { immediately: true })).status).toBe(200)
    expect(await statusOf(world.ada, at)).toBe('quarantined')
    expect(refusal(await world.dev.call('POST', `${at}/release`))).toEqual(DENIED)
    const ada = await signedInAgent(world.app, 'ada')
    const page = `/clients/ci/signing-secrets/${id}`
    expect((await ada.get(page)).text).toContain(`href="${page}/release"`)
    expect(
      (await ada.submit(await ada.get(`${page}/release`), {}, { action: `${page}/release` })).status,
    ).toBe(303)
    expect(await statusOf(world.ada, at)).toBe('active')
    expect((await world.ada.call('POST', `${at}/release`)).json().status).toBe('active')
  })
})

describe('a personal access token', () => {
  it('is released by the person whose it is, not by another token', async () => {
    const { at, secret } = await leaked(world.ada, TOKENS)
    const own = { [world.own]: ['tokens:read', 'tokens:write'] }
    const other = await made(world.ada, TOKENS, { name: 'other', scopes: own })
    const byToken = await bearer(world.app, String(other.secret)).call('POST', `${at}/release`)
    expect(refusal(byToken)).toEqual(DENIED)
    for (const by of [world.root, world.dev])
      expect((await by.call('POST', `${at}/release`)).status).toBe(404)
    expect(await answerTo(secret)).toBe(401)
    expect((await world.ada.call('POST', `${at}/release`)).json().status).toBe('active')
    expect(await answerTo(secret)).toBe(200)
  })
})
