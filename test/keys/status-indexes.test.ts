// Leases of indexes: two nodes are two pools on one database.
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createStatusIndexes, type TakenIndex } from '../../src/keys/status-indexes.ts'
import { LIST_CAPACITY } from '../../src/keys/status-reference.ts'
import { createLog } from '../../src/log.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { queriesDuring } from '../support/queries.ts'

const log = createLog('silent')
const issuer = 'https://id.example.com'

let database: MigratedDatabase
beforeEach(async () => {
  database = await migratedDatabase({ poolSize: 1 })
})
afterEach(() => database.close())

const node = (clock?: () => number) =>
  createStatusIndexes({ db: database.db, issuer, log, ...(clock && { clock }) })

const of = (clientId: string, lifetime = 900) => ({ clientId, grantBound: false, lifetime })
const ofGrant = { clientId: '', grantBound: true, lifetime: 900 }

const blocks = () => database.db.selectFrom('status_block').selectAll().orderBy('first').execute()
const lists = () => database.db.selectFrom('status_list').selectAll().orderBy('created_at').execute()
const keyOf = ({ listId, idx }: TakenIndex) => `${listId}/${idx}`

test('nobody else gets an index, and every index is in a block of its client', async () => {
  const nodes = [node(), node()]
  const clients = ['a', 'b', 'c']
  const wanted = Array.from({ length: 3_000 }, (_, at) => ({
    client: clients[at % 3] ?? '',
    take: nodes[at % 2] ?? node(),
  }))
  const taken = await Promise.all(
    wanted.map(async ({ client, take }) => ({ client, index: await take(of(client)) })),
  )
  expect(new Set(taken.map(({ index }) => keyOf(index))).size).toBe(3_000)
  const all = await blocks()
  for (const { client, index } of taken) {
    const block = all.find(
      one => one.list_id === index.listId && one.first <= index.idx && index.idx < one.first + one.size,
    )
    expect(block?.client_id).toBe(client)
  }
})

test('clients that come at once share a statement', async () => {
  const take = node()
  await take(of('first of all'))
  const asked = await queriesDuring(() =>
    Promise.all(Array.from({ length: 60 }, (_, at) => take(of(`client ${at}`)))),
  )
  expect(asked.length).toBeLessThanOrEqual(2)
})

test('a warm lease asks nothing; the next block is there before the first is empty, and larger', async () => {
  const take = node()
  await take(of('billing'))
  expect(await queriesDuring(async () => take(of('billing')))).toEqual([])
  expect(take(of('billing'))).not.toBeInstanceOf(Promise)
  for (let times = 3; times < 10_000; times++) await take(of('billing'))
  const sizes = (await blocks()).map(({ size }) => size)
  expect(sizes.slice(0, 7)).toEqual([64, 128, 256, 512, 1024, 2048, 4096])
  expect(Math.max(...sizes)).toBe(4096)
})

test('tokens of grants share blocks that are nobody’s', async () => {
  const take = node()
  for (let times = 0; times < 40; times++) await take({ ...ofGrant, clientId: `client ${times}` })
  expect((await blocks()).map(({ client_id }) => client_id)).toEqual([null, null])
})

test('a list that is full is followed by another', async () => {
  const take = node()
  const first = await take(ofGrant)
  await database.db
    .updateTable('status_list')
    .set({ used: LIST_CAPACITY - 100 })
    .execute()
  const second = await take(of('small'))
  const third = await take(of('does not fit'))
  expect(second.listId).toBe(first.listId)
  expect(third.listId).not.toBe(first.listId)
  for (const { used } of await lists()) expect(used).toBeLessThanOrEqual(LIST_CAPACITY)
})

test('a list that is a day old takes no more blocks', async () => {
  const take = node()
  const first = await take(ofGrant)
  await database.db
    .updateTable('status_list')
    .set({ created_at: new Date(Date.now() - 25 * 3_600_000) })
    .execute()
  expect((await take(of('another'))).listId).not.toBe(first.listId)
})

test('a block is used for some hours only', async () => {
  let now = 0
  const take = node(() => now)
  const first = await take(of('seldom'))
  now += 7 * 3_600_000
  const second = await take(of('seldom'))
  expect(second.idx - first.idx).toBeGreaterThanOrEqual(64)
})

test('a list lives as long as the longest token that may be in it', async () => {
  const take = node()
  await take(of('short'))
  const [before] = await lists()
  const month = await take(of('long', 30 * 86_400))
  expect(month.lifetime).toBeGreaterThanOrEqual(30 * 86_400)
  const [after] = await lists()
  const hours = ((after?.expires_at.getTime() ?? 0) - (before?.expires_at.getTime() ?? 0)) / 3_600_000
  expect(hours).toBeGreaterThan(24 * 28)
  expect(Number(after?.expires_at)).toBeGreaterThan(Date.now() + 30 * 86_400_000)
})

test('a longer token does not get an index of a block that ends before it', async () => {
  const take = node()
  const short = await take(of('changed'))
  const long = await take(of('changed', 10 * 86_400))
  expect(long.lifetime).toBeGreaterThanOrEqual(10 * 86_400)
  expect(long.idx - short.idx).toBeGreaterThanOrEqual(64)
})

test('while the database is away a warm lease goes on, and a cold one says so', async () => {
  const take = node()
  await take(of('warm'))
  await database.db.destroy()
  expect(take(of('warm'))).not.toBeInstanceOf(Promise)
  await expect(take(of('cold'))).rejects.toThrow()
})
