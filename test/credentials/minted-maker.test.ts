// What an access token or a key may rotate, and what a key may give to another client: nothing that is more than it has now.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Identity } from '../../src/credentials/kind.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { allKnow, makeKey, makePersonalToken, mintedTokensOf, SYSTEM } from '../support/minted.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

describe('what makes or rotates another', () => {
  it.each(['access-token', 'client-secret'])(
    '%s rotates nothing that can do more at our own API',
    async kind => {
      const own = `${app.issuer}/v1`
      const scopes = { [own]: ['tokens:read', 'tokens:write'] }
      const { token: more } = await makePersonalToken(app, { scopes })
      const { token: elsewhere } = await makePersonalToken(app)
      const identity: Identity = {
        ...{ kind, credentialId: 'jti', subject: more.owner, clientId: 'orders-web' },
        ...{ resource: own, scopes: ['tokens:write'] },
      }
      const tokens = mintedTokensOf(app)
      const actor = { ...SYSTEM, identity }
      await expect(tokens.rotate(actor, more.id)).rejects.toMatchObject({
        status: 403,
        code: 'access_denied',
      })
      expect((await tokens.rotate(actor, elsewhere.id)).token.id).toBe(elsewhere.id)
      const both = { ...SYSTEM, identity: { ...identity, scopes: ['tokens:read', 'tokens:write'] } }
      expect((await tokens.rotate(both, more.id)).token.id).toBe(more.id)
    },
  )

  it('a key gives no other client what its own client has lost', async () => {
    const client = (client_id: string, names: string[]) => ({
      client_id,
      client_secret: `${client_id}-secret-for-tests-only-0123456789abcdef`,
      grant_types: ['client_credentials'],
      resource_scopes: { [ORDERS]: names },
    })
    await app.apply({
      clients: [
        client('less', ['read:orders', 'write:orders']),
        client('much', ['read:orders', 'write:orders']),
      ],
    })
    await allKnow(app)
    const scopes = { [ORDERS]: ['read:orders', 'write:orders'] }
    const owner = { type: 'client' as const, id: 'much' }
    const { token: parent } = await makeKey(app, { owner: { type: 'client', id: 'less' }, scopes })
    const { token: other } = await makeKey(app, { owner, scopes })
    await app.apply({ clients: [client('less', ['read:orders'])] })
    await allKnow(app)
    const identity: Identity = {
      ...{ kind: 'api-key', credentialId: parent.id, subject: parent.owner, resource: null, scopes: [] },
    }
    const actor = { ...SYSTEM, identity }
    const tokens = mintedTokensOf(app)
    const wishes = { kind: 'api-key' as const, name: 'nightly', scopes: { [ORDERS]: ['read:orders'] } }
    await expect(tokens.create(actor, { ...wishes, owner, scopes })).rejects.toMatchObject({
      errors: [{ path: `scopes["${ORDERS}"][1]` }],
    })
    await expect(tokens.rotate(actor, other.id)).rejects.toMatchObject({ status: 403 })
    expect((await tokens.create(actor, { ...wishes, owner })).token.owner).toEqual(owner)
  })
})
