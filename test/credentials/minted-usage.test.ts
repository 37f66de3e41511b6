// What the use of keys leaves behind, in batches: counts, last use, and rate limits that several nodes share.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { findMintedToken } from '../../src/credentials/minted-token.ts'
import { createRateLimits } from '../../src/credentials/rate-limit.ts'
import { createUsage, usageOf } from '../../src/credentials/usage.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/log.ts'
import { formatMinted } from '../../src/secrets/minted-format.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { bearer, makeKey } from '../support/minted.ts'
import { ORDERS, ordersFile } from '../support/orders.ts'
import { until } from '../support/process.ts'
import { startNode } from '../support/verifying-node.ts'
import { askSelf } from './kind.contract.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp({}, ordersFile)
})
afterAll(() => app.close())

const log = createLog('silent')
const orders = { resource: ORDERS }

const countsOf = async (id: string) => {
  const hours = await usageOf(app.db, id)
  const sum = (wanted: string) =>
    hours.filter(({ outcome }) => outcome === wanted).reduce((all, { count }) => all + count, 0)
  return { success: sum('success'), refused: sum('refused') }
}

describe('usage', () => {
  it('is counted by outcome, with the last success', async () => {
    const { token, secret } = await makeKey(app)
    const wrong = formatMinted({ prefix: 'lk', env: 'live', kind: 'key', id: token.id }, Buffer.alloc(32, 1))
    const node = await startNode(app)
    const from = (address: string) => ({ ...orders, address, userAgent: 'curl/8\0' })
    for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8::7%eth0'])
      await node.verify(secret, from(address))
    const refused = [
      node.verify(wrong, from('192.0.2.9')),
      node.verify(secret, { ...from('192.0.2.9'), scopes: ['admin:orders'] }),
    ]
    for (const one of refused) await expect(one).rejects.toMatchObject({ name: 'Problem' })
    const explain = () => undefined
    await node.verify(secret, { ...from('192.0.2.9'), explain })
    await node.stop()
    expect(await countsOf(token.id)).toEqual({ success: 3, refused: 2 })
    const shown = await findMintedToken(app.db, token.id)
    expect(shown?.lastUsed).toEqual({
      at: expect.any(Date),
      address: '2001:db8::7',
      userAgent: 'curl/8\ufffd',
    })
    const second = await startNode(app)
    await second.verify(secret, from('not an address'))
    await second.stop()
    expect(await countsOf(token.id)).toEqual({ success: 4, refused: 2 })
    expect((await findMintedToken(app.db, token.id))?.lastUsed).toMatchObject({ address: null })
  })

  it('moves by itself', async () => {
    const { token, secret } = await makeKey(app)
    expect((await askSelf(app, bearer(secret))).status).toBe(200)
    await until('its use is written down', async () => {
      const found = await findMintedToken(app.db, token.id)
      return found?.lastUsed !== null
    })
    expect(await countsOf(token.id)).toEqual({ success: 1, refused: 0 })
  })

  it('of a token that does not exist is not stored', async () => {
    const unknown = formatMinted(
      { prefix: 'lk', env: 'live', kind: 'key', id: 'Unknown000000000' },
      Buffer.alloc(32),
    )
    const node = await startNode(app)
    await expect(node.verify(unknown, orders)).rejects.toMatchObject({ status: 401 })
    await node.stop()
    expect(await usageOf(app.db, 'Unknown000000000')).toEqual([])
  })

  it('of several nodes adds up, and waits while the database is away', async () => {
    const other = app.database.another()
    const first = createUsage({ db: app.db, log })
    const second = createUsage({ db: other, log })
    for (let times = 0; times < 100; times++) {
      first.note('Counted000000000', { outcome: 'success' })
      second.note('Counted000000000', { outcome: times < 50 ? 'success' : 'refused' })
    }
    await Promise.all([first.flush(), second.flush()])
    expect(await countsOf('Counted000000000')).toEqual({ success: 150, refused: 50 })

    const impatient = createUsage({ db: app.database.another({ limitMs: 1_000 }), log })
    impatient.note('Counted000000000', { outcome: 'success' })
    await transaction(app.db, async tx => {
      await sql`LOCK TABLE credential_usage`.execute(tx)
      await impatient.flush()
      impatient.note('Counted000000000', { outcome: 'refused' })
    })
    expect(await countsOf('Counted000000000')).toEqual({ success: 150, refused: 50 })
    await until('what waited is written', async () => {
      await impatient.flush()
      return (await countsOf('Counted000000000')).success === 151
    })
    expect(await countsOf('Counted000000000')).toEqual({ success: 151, refused: 51 })
  })
})

describe('a rate limit', () => {
  const limit = { requests: 10, seconds: 100 }
  const at = (seconds: number) => new Date(1_800_000_000_000 + seconds * 1000)
  const limits = () => createRateLimits({ db: app.db, log })
  const taken = (of: ReturnType<typeof limits>, id: string, times: number, when: Date) =>
    Array.from({ length: times }, () => of.take(id, limit, when)).filter(({ allowed }) => allowed).length

  it('lets through what it says, in any window of its length', () => {
    const alone = limits()
    expect(taken(alone, 'a', 6, at(0))).toBe(6)
    expect(taken(alone, 'a', 20, at(50))).toBe(4)
    expect(taken(alone, 'a', 20, at(99))).toBe(0)
    // Those of the beginning no longer count.
    expect(taken(alone, 'a', 20, at(111))).toBe(6)
    expect(taken(alone, 'a', 20, at(140))).toBe(0)
    expect(taken(alone, 'a', 20, at(500))).toBe(10)
  })

  it('says what is left and when there is more, and that is true', () => {
    const alone = limits()
    expect(alone.take('b', limit, at(3))).toMatchObject({ allowed: true, remaining: 9 })
    expect(taken(alone, 'b', 20, at(3))).toBe(9)
    const over = alone.take('b', limit, at(7))
    expect(over).toMatchObject({ allowed: false, remaining: 0 })
    expect(alone.take('b', limit, at(7 + over.reset - 1))).toMatchObject({ allowed: false })
    expect(alone.take('b', limit, at(7 + over.reset))).toMatchObject({ allowed: true })
  })

  it('counts nothing for whoever only looks', () => {
    const alone = limits()
    for (let times = 0; times < 30; times++)
      expect(alone.look('c', limit, at(0))).toMatchObject({ allowed: true, remaining: 10 })
  })

  it('is shared: what one node let through, the other knows after an exchange', async () => {
    const [first, second] = [limits(), limits()]
    expect(taken(first, 'Shared0000000000', 7, at(0))).toBe(7)
    expect(taken(second, 'Shared0000000000', 1, at(0))).toBe(1)
    for (let times = 0; times < 2; times++) for (const one of [first, second]) await one.exchange()
    expect(taken(second, 'Shared0000000000', 20, at(1))).toBe(2)
    await second.exchange()
    await first.exchange()
    expect(taken(first, 'Shared0000000000', 20, at(1))).toBe(0)
  })

  it('goes on alone while the database is away, and tells it later', async () => {
    const one = limits()
    const id = 'Away000000000000'
    expect(taken(one, id, 4, at(0))).toBe(4)
    await sql`ALTER TABLE rate_limit_count RENAME TO hidden`.execute(app.db)
    await one.exchange()
    expect(taken(one, id, 20, at(0))).toBe(6)
    await sql`ALTER TABLE hidden RENAME TO rate_limit_count`.execute(app.db)
    await one.exchange()
    const { rows } = await sql<{ count: number }>`
      SELECT sum(count)::int AS count FROM rate_limit_count WHERE credential_id = ${id}
    `.execute(app.db)
    expect(rows[0]?.count).toBe(10)
  })

  it('holds for a key over two nodes: a node that has never seen it knows what the others counted', async () => {
    const { secret } = await makeKey(app, { rateLimit: { requests: 5, seconds: 3600 } })
    const first = await startNode(app)
    for (let times = 0; times < 5; times++) await first.verify(secret, orders)
    await expect(first.verify(secret, orders)).rejects.toMatchObject({ status: 429, code: 'rate_limited' })
    await first.stop()
    const second = await startNode(app, app.database.another())
    await expect(second.verify(secret, orders)).rejects.toMatchObject({ status: 429 })
    await second.stop()
    expect((await askSelf(app, bearer(secret))).status).toBe(429)
  })
})
