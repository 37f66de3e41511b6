// What verification asks of the database: nothing when warm, one statement when cold; and that memory is never believed
// longer than it is true.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type KyselyPlugin, type RootOperationNode, sql } from 'kysely'
import { updateAccount } from '../../src/accounts/account.ts'
import { setMembers } from '../../src/accounts/organization.ts'
import { setAccountRoles, upsertRole } from '../../src/accounts/role.ts'
import { createMintedDirectory } from '../../src/credentials/minted-directory.ts'
import { appendChange } from '../../src/db/change-log.ts'
import { transaction } from '../../src/db/transaction.ts'
import { ownResourceOf } from '../../src/resources/own-resource.ts'
import { startApp, type TestApp } from '../support/app.ts'
import {
  accountIdOf,
  allKnow,
  bearer,
  makeKey,
  makePersonalToken,
  mintedTokensOf,
  SYSTEM,
} from '../support/minted.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { queriesDuring } from '../support/queries.ts'
import { startNode } from '../support/verifying-node.ts'
import { askSelf } from './kind.contract.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const self = (secret: string) => askSelf(app, bearer(secret))
const statusOf = async (secret: string) => (await self(secret)).status
const orders = { resource: ORDERS }

it('what was read long ago does not say what time it is, when its owner keeps one waiting', async () => {
  const { token } = await makeKey(app)
  let isFresh = true
  const later = new Date(Date.now() + 3_600_000)
  const owners = {
    // Meanwhile the change log has not been heard for too long.
    async find() {
      isFresh = false
      return undefined
    },
    begin: () => () => undefined,
    close: () => undefined,
  }
  const directory = createMintedDirectory({
    db: app.db,
    changeLog: { subscribe: () => () => undefined, isFresh: () => isFresh },
    clock: { now: () => (isFresh ? later : undefined), close: () => undefined },
    clients: owners,
    accounts: owners,
  })
  await directory.find(token.id)
  isFresh = true
  expect((await directory.find(token.id))?.now).toEqual(later)
})

describe.each([
  ['a key', () => makeKey(app)],
  [
    'a key with every restriction',
    () =>
      makeKey(app, {
        allowedAddresses: ['0.0.0.0/0', '::/0'],
        rateLimit: { requests: 999, seconds: 60 },
        notBefore: new Date(0 + 1),
        expiresAt: new Date(Date.now() + 9e8),
      }),
  ],
  ['a personal token', () => makePersonalToken(app)],
])('%s', (_name, make) => {
  it('cold: one statement; warm: none', async () => {
    const { secret } = await make()
    const node = await startNode(app)
    const cold = await queriesDuring(() => node.verify(secret, { ...orders, address: '192.0.2.1' }))
    expect(cold).toHaveLength(1)
    expect(cold[0]).toMatch(/^select .* from "minted_token"/s)
    for (let times = 0; times < 3; times++)
      expect(await queriesDuring(() => node.verify(secret, { ...orders, address: '192.0.2.1' }))).toEqual([])
    expect(await queriesDuring(() => node.verify(secret, { address: '192.0.2.1' }))).toEqual([])
    await node.stop()
  })

  it('also through the door', async () => {
    const { secret } = await make()
    expect(await queriesDuring(() => self(secret))).toHaveLength(1)
    expect(await queriesDuring(() => self(secret))).toEqual([])
  })

  it('unknown and mistyped ones cost no more', async () => {
    const { secret, token } = await make()
    await mintedTokensOf(app).revoke(SYSTEM, token.id)
    expect(await queriesDuring(() => self(secret))).toHaveLength(1)
    expect(await queriesDuring(() => self(secret))).toEqual([])
    expect(await queriesDuring(() => self(`${secret.slice(0, -1)}!`))).toEqual([])
  })

  it('asks the database while the change log is not read, and refuses what ended meanwhile', async () => {
    const { secret, token } = await make()
    const node = await startNode(app)
    const verify = () => node.verify(secret, { ...orders, address: '192.0.2.1' })
    await verify()
    await node.changeLog.stop()
    expect((await queriesDuring(verify)).length).toBeGreaterThan(0)
    await mintedTokensOf(app).revoke(SYSTEM, token.id)
    await expect(verify()).rejects.toMatchObject({ status: 401, detail: 'revoked' })
    await node.stop()
  })
})

describe('a read that a revocation overtakes', () => {
  it('is not kept', async () => {
    const { secret, token } = await makeKey(app)
    let release = () => {}
    let hasRead = () => {}
    const isRead = new Promise<void>(resolve => {
      hasRead = resolve
    })
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const isCold = ({ kind, ...node }: RootOperationNode) =>
      kind === 'SelectQueryNode' && JSON.stringify(node).includes('"slice_counts"')
    const held = new WeakSet<object>()
    const hold: KyselyPlugin = {
      transformQuery({ node, queryId }) {
        if (isCold(node)) held.add(queryId)
        return node
      },
      async transformResult({ result, queryId }) {
        if (held.has(queryId)) {
          hasRead()
          await gate
        }
        return result
      },
    }
    const node = await startNode(app, app.db.withPlugin(hold))
    const first = node.verify(secret, orders)
    await isRead
    await mintedTokensOf(app).revoke(SYSTEM, token.id)
    await node.changeLog.catchUp()
    release()
    // The one that was under way may have been in time: the revocation itself is known.
    await expect(first).rejects.toMatchObject({ status: 401 })
    await expect(node.verify(secret, orders)).rejects.toMatchObject({ status: 401, detail: 'revoked' })
    await node.stop()
  })

  it('also when the owner was disabled meanwhile', async () => {
    await app.apply({
      accounts: [{ username: 'carl', name: 'Carl', password: 'correct horse battery staple' }],
    })
    const { secret } = await makePersonalToken(app, { scopes: { [ORDERS]: ['read:orders'] } }, 'carl')
    const id = await accountIdOf(app.db, 'carl')
    const node = await startNode(app)
    await node.verify(secret, orders)
    await transaction(app.db, tx => updateAccount(tx, id, { disabled: true }))
    await node.changeLog.catchUp()
    await expect(node.verify(secret, orders)).rejects.toMatchObject({ status: 401 })
    await transaction(app.db, tx => updateAccount(tx, id, { disabled: false }))
    await node.changeLog.catchUp()
    expect(await node.verify(secret, orders)).toMatchObject({ scopes: ['read:orders'] })
    await node.stop()
  })
})

describe('what is taken away counts with the next request', () => {
  it('a role, and what a role gives', async () => {
    const { secret } = await makePersonalToken(app)
    const id = await accountIdOf(app.db, 'ada')
    const scopes = async () => (await self(secret)).json().scopes
    expect(await scopes()).toEqual(['read:orders', 'admin:orders'])
    await transaction(app.db, tx => setAccountRoles(tx, id, []))
    await allKnow(app)
    expect(await scopes()).toEqual(['read:orders'])
    await transaction(app.db, tx => setAccountRoles(tx, id, ['orders-admin']))
    await allKnow(app)
    expect(await scopes()).toEqual(['read:orders', 'admin:orders'])
    await transaction(app.db, tx => upsertRole(tx, { name: 'orders-admin', scopes: {} }))
    await allKnow(app)
    expect(await scopes()).toEqual(['read:orders'])
    await transaction(app.db, tx =>
      upsertRole(tx, { name: 'orders-admin', scopes: { [ORDERS]: ['admin:orders'] } }),
    )
    await allKnow(app)
  })

  it('a part of the ceiling', async () => {
    const { secret } = await makeKey(app)
    expect((await self(secret)).json().scopes).toEqual(['read:orders', 'write:orders'])
    const take = (scope: string) =>
      transaction(app.db, async tx => {
        await sql`DELETE FROM client_scope WHERE client_id = 'billing' AND scope = ${scope}`.execute(tx)
        await appendChange(tx, 'client', { client_id: 'billing' })
      })
    await take('write:orders')
    await allKnow(app)
    expect((await self(secret)).json().scopes).toEqual(['read:orders'])
    await take('read:orders')
    await allKnow(app)
    expect(await statusOf(secret)).toBe(401)
    await app.apply(ordersFile)
    await allKnow(app)
    expect(await statusOf(secret)).toBe(200)
  })

  it('a membership', async () => {
    const own = ownResourceOf(app.issuer)
    const { secret } = await makePersonalToken(app, { scopes: { [own]: ['clients:read', 'tokens:read'] } })
    expect((await self(secret)).json()).toMatchObject({
      resource: own,
      scopes: ['clients:read', 'tokens:read'],
    })
    await transaction(app.db, tx => setMembers(tx, 'acme', []))
    await allKnow(app)
    expect((await self(secret)).json().scopes).toEqual(['tokens:read'])
  })

  it('a scope of the resource', async () => {
    const { secret } = await makeKey(app)
    await transaction(app.db, async tx => {
      await sql`DELETE FROM resource_scope WHERE resource = ${ORDERS} AND name = 'write:orders'`.execute(tx)
      for (const [type, payload] of [
        ['resource', { identifier: ORDERS }],
        ['client', {}],
      ] as const)
        await appendChange(tx, type, payload)
    })
    await allKnow(app)
    expect((await self(secret)).json().scopes).toEqual(['read:orders'])
  })
})
