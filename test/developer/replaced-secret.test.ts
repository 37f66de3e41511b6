// A secret that a rotation has replaced works on through its grace, but gives nobody another one: that would outlive it.
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bearer, type Caller, made } from '../support/api-callers.ts'
import { ORDERS } from '../support/orders.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.app.close())

const scopes = { [ORDERS]: ['read:orders'] }

it('makes and rotates nothing, ends what it may, and its successor does all of it', async () => {
  const own = { [world.own]: ['keys:read', 'keys:write', 'clients:read', 'clients:write'], ...scopes }
  const key = await made(world.ci, '/v1/api-keys', { client_id: 'ci', name: 'deploys', scopes: own })
  const other = await made(world.ci, '/v1/api-keys', { client_id: 'ci', name: 'other', scopes })
  const signing = await made(world.ci, '/v1/signing-secrets', { client_id: 'ci', name: 'signs', scopes })
  const client = await made(world.ci, '/v1/clients', {
    client_name: 'Orders',
    redirect_uris: ['https://orders.example.com/callback'],
  })
  const rotated = await world.ci.call('POST', `/v1/api-keys/${key.id}/rotate`, {})
  const [old, fresh] = [key, rotated.json()].map(({ secret }) => bearer(world.app, String(secret)))
  if (!old || !fresh) throw new Error('no secrets')
  expect((await fresh.call('GET', '/v1/credentials/self')).status).toBe(200)
  expect((await old.call('GET', '/v1/credentials/self')).headers['x-credential-warning']).toMatch(
    /^retired_secret/,
  )

  const makes = async (caller: Caller): Promise<unknown[]> => {
    const answers: unknown[] = []
    for (const [path, body] of [
      ['/v1/api-keys', { client_id: 'ci', name: 'more', scopes }],
      ['/v1/signing-secrets', { client_id: 'ci', name: 'more', scopes }],
      [`/v1/api-keys/${other.id}/rotate`, {}],
      [`/v1/signing-secrets/${signing.id}/rotate`, {}],
      ['/v1/clients', { client_name: 'More', redirect_uris: ['https://more.example.com/callback'] }],
      [`/v1/clients/${client.client_id}/secrets`, {}],
    ] as const) {
      const { status } = await caller.call('POST', path, body)
      answers.push(status)
    }
    return answers
  }
  expect(await makes(old)).toEqual([403, 403, 403, 403, 403, 403])
  expect(await makes(fresh)).toEqual([201, 201, 200, 200, 201, 201])
  expect((await old.call('DELETE', `/v1/api-keys/${other.id}`)).status).toBe(204)
})
