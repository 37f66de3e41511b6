// A client's secrets: several, with an end, replaced with overlap, revoked.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { made } from '../support/api-callers.ts'
import { protocolPost } from '../support/authorization.ts'
import { ORDERS } from '../support/orders.ts'
import { spellingsOf, storedText } from '../support/stored-text.ts'
import { refusal, startWorld, type World } from './world.ts'

let world: World
let id: string
let first: { id: string; secret: string }

beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

async function newClient(): Promise<void> {
  const client = await made(world.dev, '/v1/clients', {
    client_name: 'Nightly',
    application_kind: 'service',
    resource_scopes: { [ORDERS]: ['read:orders'] },
  })
  id = String(client.client_id)
  const [{ id: secretId } = { id: '' }] = client.secrets as { id: string }[]
  first = { id: secretId, secret: String(client.secret) }
}

const works = async (secret: unknown) => {
  const client = { client_id: id, client_secret: String(secret) }
  const { status } = await protocolPost(world.app.issuer, '/token', client, {
    grant_type: 'client_credentials',
    resource: ORDERS,
  })
  return status === 200
}

const secretsOf = async () =>
  (await world.dev.call('GET', `/v1/clients/${id}`)).json().secrets as Record<string, unknown>[]

/** As if the clock had gone on: what ends within the hour has ended. */
const anHourPasses = async () => {
  await sql`UPDATE client_secret SET expires_at = expires_at - interval '1 hour'`.execute(world.app.db)
  await sql`INSERT INTO change_log (type, payload) VALUES ('client', ${JSON.stringify({ client_id: id })})`.execute(
    world.app.db,
  )
  // Whatever changes the client waits until this node has read the log.
  await world.dev.call('PATCH', `/v1/clients/${id}`, { client_name: `Nightly ${Math.random()}` })
}

describe('several secrets', () => {
  beforeAll(newClient)

  it('a second one works beside the first, and is shown once', async () => {
    const answer = await world.dev.call('POST', `/v1/clients/${id}/secrets`)
    expect(answer.status).toBe(201)
    const { secret, ...shown } = answer.json()
    expect(answer.headers.location).toBe(`/v1/clients/${id}/secrets/${shown.id}`)
    expect((await world.dev.call('GET', answer.headers.location ?? '')).json()).toEqual(shown)
    expect(shown).toEqual({
      id: expect.any(String),
      last4: String(secret).slice(-4),
      created_at: expect.stringMatching(/Z$/),
      expires_at: null,
    })
    expect(await works(first.secret)).toBe(true)
    expect(await works(secret)).toBe(true)
    expect(await secretsOf()).toHaveLength(2)
  })

  it('are nowhere in the database', async () => {
    const texts = [...(await storedText(world.app.db)).values()].join('\n')
    for (const spelling of spellingsOf(first.secret)) expect(texts).not.toContain(spelling)
  })

  it('one with an end works until then', async () => {
    const expires = new Date(Date.now() + 3_000_000).toISOString()
    const { secret, ...shown } = await made(world.dev, `/v1/clients/${id}/secrets`, { expires_at: expires })
    expect(shown.expires_at).toBe(expires)
    expect(await works(secret)).toBe(true)
    await anHourPasses()
    expect(await works(secret)).toBe(false)
    expect(await works(first.secret)).toBe(true)
  })

  it('a revoked one is refused at once, and revoking it again finds nothing', async () => {
    const { id: secretId, secret } = await made(world.dev, `/v1/clients/${id}/secrets`, {})
    const path = `/v1/clients/${id}/secrets/${secretId}`
    expect((await world.dev.call('DELETE', path)).status).toBe(204)
    expect(await works(secret)).toBe(false)
    expect((await world.dev.call('DELETE', path)).status).toBe(404)
    expect((await world.dev.call('GET', path)).status).toBe(404)
  })

  it.each([
    ['in the past', { expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    ['without an offset', { expires_at: '2999-01-01T00:00:00' }, 'expires_at'],
    ['a day that does not exist', { expires_at: '2999-02-31T00:00:00Z' }, 'expires_at'],
    ['a number', { expires_at: 4102444800 }, 'expires_at'],
    ['a secret of their own', { secret: 'x'.repeat(40) }, 'secret'],
  ])('refuses %s', async (_name, body, path) => {
    const answer = await world.dev.call('POST', `/v1/clients/${id}/secrets`, body)
    expect(refusal(answer)).toEqual({ status: 400, code: 'validation_failed', paths: [path] })
  })

  it('has room for ten', async () => {
    for (let count = (await secretsOf()).length; count < 10; count++)
      await made(world.dev, `/v1/clients/${id}/secrets`, {})
    expect(refusal(await world.dev.call('POST', `/v1/clients/${id}/secrets`))).toEqual({
      status: 409,
      code: 'conflict',
    })
  })

  it('is for clients that can keep one', async () => {
    expect(refusal(await world.ada.call('POST', '/v1/clients/cli/secrets'))).toEqual({
      status: 409,
      code: 'conflict',
    })
  })
})

describe('replacing one', () => {
  beforeEach(newClient)

  it('both work until the grace is over', async () => {
    const answer = await world.dev.call('POST', `/v1/clients/${id}/secrets/${first.id}/rotate`, {
      grace_seconds: 3000,
    })
    expect(answer.status).toBe(201)
    const { secret } = answer.json()
    expect([await works(first.secret), await works(secret)]).toEqual([true, true])
    await anHourPasses()
    expect([await works(first.secret), await works(secret)]).toEqual([false, true])
  })

  it('the usual grace is a day', async () => {
    await world.dev.call('POST', `/v1/clients/${id}/secrets/${first.id}/rotate`)
    const old = (await secretsOf()).find(one => one.id === first.id)
    const [{ seconds } = { seconds: 0 }] = (
      await sql<{ seconds: number }>`
        SELECT round(extract(epoch FROM expires_at - created_at) / 3600)::int * 3600 AS seconds
        FROM client_secret WHERE id = ${first.id}
      `.execute(world.app.db)
    ).rows
    expect(old?.expires_at).not.toBeNull()
    expect(seconds).toBe(86_400)
  })

  it('at a date', async () => {
    const date = new Date(Date.now() + 3_000_000).toISOString()
    await world.dev.call('POST', `/v1/clients/${id}/secrets/${first.id}/rotate`, { retire_at: date })
    expect((await secretsOf()).find(one => one.id === first.id)?.expires_at).toBe(date)
  })

  it('at once', async () => {
    const path = `/v1/clients/${id}/secrets/${first.id}/rotate`
    const { secret } = (await world.dev.call('POST', path, { immediately: true })).json()
    expect([await works(first.secret), await works(secret)]).toEqual([false, true])
    expect((await world.dev.call('POST', path, {})).status).toBe(404)
  })

  it('never makes it live longer', async () => {
    const end = new Date(Date.now() + 60_000).toISOString()
    const short = await made(world.dev, `/v1/clients/${id}/secrets`, { expires_at: end })
    await world.dev.call('POST', `/v1/clients/${id}/secrets/${short.id}/rotate`, {})
    expect((await secretsOf()).find(one => one.id === short.id)?.expires_at).toBe(end)
  })

  it.each(['no-such-secret', '00000000-0000-7000-8000-000000000000'])(
    'finds nothing at %s',
    async secretId => {
      const before = await secretsOf()
      expect((await world.dev.call('POST', `/v1/clients/${id}/secrets/${secretId}/rotate`)).status).toBe(404)
      expect(await secretsOf()).toEqual(before)
    },
  )

  it('refuses two ends at a time', async () => {
    const answer = await world.dev.call('POST', `/v1/clients/${id}/secrets/${first.id}/rotate`, {
      grace_seconds: 1,
      immediately: true,
    })
    expect(refusal(answer)).toMatchObject({ status: 400, code: 'validation_failed' })
  })
})

describe('a client that may do more on this server than a developer', () => {
  beforeAll(newClient)

  it('gets neither a secret nor a key from one', async () => {
    const own = `${world.app.issuer}/v1`
    await sql`INSERT INTO client_scope (client_id, resource, scope) VALUES (${id}, ${own}, 'organizations:write')`.execute(
      world.app.db,
    )
    await sql`INSERT INTO change_log (type, payload) VALUES ('client', ${JSON.stringify({ client_id: id })})`.execute(
      world.app.db,
    )
    const added = await world.dev.call('POST', `/v1/clients/${id}/secrets`)
    expect([added.status, added.json().code]).toEqual([403, 'access_denied'])
    const rotated = await world.dev.call('POST', `/v1/clients/${id}/secrets/${first.id}/rotate`)
    expect([rotated.status, rotated.json().code]).toEqual([403, 'access_denied'])
    const key = await world.dev.call('POST', '/v1/api-keys', {
      client_id: id,
      name: 'A way up',
      scopes: { [own]: ['organizations:write'] },
    })
    expect([key.status, key.json().code]).toEqual([400, 'validation_failed'])
    expect(await secretsOf()).toHaveLength(1)
  })
})
