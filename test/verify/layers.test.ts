// A resource that demands more than one credential, through every door that can ask about it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startApp, type TestApp } from '../support/app.ts'
import { protocolPost } from '../support/authorization.ts'
import { askForwardAuth, DIALECTS, toldBy } from '../support/forward-auth.ts'
import { bearer, makeKey } from '../support/minted.ts'
import { billing, ORDERS, ordersFile, reports } from '../support/orders.ts'
import { askVerify, pairsOf, resultOf, verifierToken } from './doors.ts'

/** Of `billing`, as ORDERS is. */
const NEAR = 'https://near.example.com'

const file = {
  ...ordersFile,
  resources: [
    ...ordersFile.resources,
    {
      identifier: NEAR,
      name: 'Near API',
      organization: 'acme',
      allowed_addresses: ['192.0.2.0/24', '2001:db8::/32'],
      scopes: { 'read:near': { description: 'See what is near' } },
    },
  ],
  clients: ordersFile.clients.map(client => {
    if (client === billing) return { ...client, introspect: [ORDERS, NEAR] }
    if (client === reports) return { ...client, resource_scopes: { [NEAR]: ['read:near'] } }
    return client
  }),
}

let app: TestApp
beforeAll(async () => {
  app = await startApp({ TRUSTED_PROXIES: '127.0.0.1' }, file)
})
afterAll(() => app?.close())

const keyFor = async (clientId: string, resource: string, scope: string) =>
  (await makeKey(app, { owner: { type: 'client', id: clientId }, scopes: { [resource]: [scope] } })).secret

/** What POST /v1/verify says of a request: allowed, or status, code and the missing layer. */
async function verify(resource: string, headers: Record<string, string>, connection: object = {}) {
  const request = { method: 'GET', url: '/', headers: pairsOf(headers), ...connection }
  const answer = await askVerify(app, await verifierToken(app), { request, resource })
  return outcomeOf(resultOf(answer))
}

function outcomeOf({ allowed, response }: ReturnType<typeof resultOf>): string {
  const { status, code, missing_layer } = response?.body ?? {}
  return allowed ? 'allowed' : [status, code, missing_layer].filter(part => part !== undefined).join(' ')
}

describe('a resource that takes requests from some addresses', () => {
  it('asks for them first, of every kind of credential', async () => {
    const key = bearer(await keyFor('reports', NEAR, 'read:near'))
    const outside = '403 address_not_allowed address'
    for (const address of ['192.0.2.7', '2001:db8::7', '::ffff:192.0.2.7'])
      expect(await verify(NEAR, key, { client_address: address })).toBe('allowed')
    expect(await verify(NEAR, key, { client_address: '198.51.100.7' })).toBe(outside)
    expect(await verify(NEAR, key)).toBe(outside)
    expect(await verify(NEAR, {}, { client_address: '198.51.100.7' })).toBe(outside)
    expect(await verify(NEAR, {}, { client_address: '192.0.2.7' })).toBe('401 unauthenticated')
  })

  it('a credential alone comes from nowhere', async () => {
    const credential = await keyFor('reports', NEAR, 'read:near')
    const answer = await askVerify(app, await verifierToken(app), { credential, resource: NEAR })
    expect(outcomeOf(resultOf(answer))).toBe('403 address_not_allowed address')
  })

  it('tokens of it are opaque, and active to nobody but their own client', async () => {
    const token = await protocolPost(app.issuer, '/token', reports, {
      grant_type: 'client_credentials',
      resource: NEAR,
    })
    const { access_token = '' } = token.body
    expect(access_token).not.toContain('.')
    const key = await keyFor('reports', NEAR, 'read:near')
    for (const shown of [access_token, key]) {
      const seenBy = async (client: typeof billing) =>
        (await protocolPost(app.issuer, '/introspect', client, { token: shown })).body
      expect(await seenBy(billing)).toEqual({ active: false })
      expect(await seenBy(reports)).toMatchObject({ active: true })
    }
  })

  it.each(DIALECTS)('asked by %s: the client must come from there, not its proxy', async dialect => {
    const ask = async (from: string) => {
      const headers = bearer(await keyFor('reports', NEAR, 'read:near'))
      const proxy = { 'X-Forwarded-For': from }
      const answer = await askForwardAuth(app, { dialect, proxy }, { url: `${NEAR}/1`, headers })
      return answer.status === 200 ? 'allowed' : toldBy(dialect, answer)
    }
    expect(await ask('192.0.2.7')).toBe('allowed')
    expect(await ask('198.51.100.7')).toMatchObject({ status: 403, code: 'address_not_allowed' })
  })
})
