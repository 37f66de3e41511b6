import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { appendChange, type ChangeLog, changeLogSweep, createChangeLog } from '../../src/db/change-log.ts'
import type { Db, Tx } from '../../src/db/connect.ts'
import { createSweeper } from '../../src/db/sweep.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/log.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

const silent = createLog('silent')

let database: MigratedDatabase
const logs: ChangeLog[] = []

beforeEach(async () => {
  database = await migratedDatabase()
})
afterEach(async () => {
  await Promise.all(logs.splice(0).map(log => log.stop()))
  await database.close()
})

const append = (db: Db | Tx, name: string) => appendChange(db, 'test', { name })

/** A follower as another node would have one, on its own pool of 1; it reads when the test says so. */
function follow(options: Partial<Parameters<typeof createChangeLog>[0]> = {}) {
  const log = createChangeLog({
    db: database.another({ poolSize: 1 }),
    log: silent,
    pollMs: 3_600_000,
    ...options,
  })
  logs.push(log)
  const seen: unknown[] = []
  log.subscribe('test', ({ payload }) => seen.push(payload.name))
  return { log, seen }
}

/** Appends in a transaction that stays open until `commit` is called. */
async function appendAndHold(name: string) {
  let commit = () => {}
  const gate = new Promise<void>(resolve => {
    commit = resolve
  })
  let appended = () => {}
  const isAppended = new Promise<void>(resolve => {
    appended = resolve
  })
  const done = transaction(database.another({ poolSize: 1 }), async tx => {
    await append(tx, name)
    appended()
    await gate
  })
  await isAppended
  return async () => {
    commit()
    await done
  }
}

/** Whether a row whose transaction outlasts later ones reaches every follower. */
async function heldRowIsDelivered(overlapMs?: number): Promise<boolean[]> {
  const followers = [1, 2].map(() => follow(overlapMs === undefined ? {} : { overlapMs }))
  for (const { log } of followers) await log.start()
  const commit = await appendAndHold('held')
  await append(database.db, 'later')
  for (const { log } of followers) await log.catchUp()
  await append(database.db, 'last')
  for (const { log } of followers) await log.catchUp()
  expect(followers.map(({ seen }) => seen)).toEqual([
    ['later', 'last'],
    ['later', 'last'],
  ])
  await commit()
  for (const { log } of followers) await log.catchUp()
  for (const { log } of followers) await log.catchUp()
  return followers.map(({ seen }) => seen.filter(name => name === 'held').length === 1)
}

describe('change log', () => {
  it('delivers to every follower what a held transaction appended before later ones that commit first', async () => {
    expect(await heldRowIsDelivered()).toEqual([true, true])
  })

  it('would miss it without the overlap: the test above can fail', async () => {
    expect(await heldRowIsDelivered(0)).toEqual([false, false])
  })

  it('delivers each row once, in the order of ids, over many polls, gaps and pages', async () => {
    const { log, seen } = follow({ pageSize: 3 })
    await log.start()
    const names: string[] = []
    for (let row = 0; row < 20; row++) {
      names.push(`row ${row}`)
      await append(database.db, `row ${row}`)
      if (row % 4 === 0) {
        const dropped = transaction(database.db, async tx => {
          await append(tx, 'rolled back')
          throw new Error('no')
        })
        await expect(dropped).rejects.toThrow('no')
      }
      if (row % 7 === 0) await log.catchUp()
    }
    await log.catchUp()
    await log.catchUp()
    expect(seen).toEqual(names)
  })

  it('delivers a row above a gap once, although it is read again until the gap is settled', async () => {
    const { log, seen } = follow()
    await log.start()
    const commit = await appendAndHold('held')
    for (let row = 0; row < 5; row++) {
      await append(database.db, `row ${row}`)
      await log.catchUp()
      await log.catchUp()
    }
    await commit()
    await log.catchUp()
    expect(seen).toEqual(['row 0', 'row 1', 'row 2', 'row 3', 'row 4', 'held'])
  })

  it('begins with the overlap, not with history', async () => {
    await append(database.db, 'old')
    await sql`UPDATE change_log SET created_at = created_at - interval '1 minute'`.execute(database.db)
    await append(database.db, 'recent')
    const { log, seen } = follow()
    await log.start()
    expect(seen).toEqual(['recent'])
  })

  it('delivers to a node that starts while a transaction is open', async () => {
    const commit = await appendAndHold('held')
    await append(database.db, 'later')
    const { log, seen } = follow()
    await log.start()
    await commit()
    await log.catchUp()
    expect(seen).toEqual(['later', 'held'])
  })

  it('misses nothing after an outage that is longer than the overlap', async () => {
    const { log, seen } = follow()
    await log.start()
    await append(database.db, 'during the outage')
    await sql`UPDATE change_log SET created_at = created_at - interval '10 minutes'`.execute(database.db)
    await append(database.db, 'after')
    await log.catchUp()
    expect(seen).toEqual(['during the outage', 'after'])
  })

  it('polls by itself', async () => {
    const { log } = follow({ pollMs: 10 })
    await log.start()
    const delivered = new Promise(resolve => log.subscribe('signal', resolve))
    await appendChange(database.db, 'signal', { a: [1, 'x'] })
    expect(await delivered).toEqual({
      id: expect.stringMatching(/^\d+$/),
      type: 'signal',
      payload: { a: [1, 'x'] },
    })
  })

  it('catches up with what was committed before the call, also when a read is under way', async () => {
    const { log, seen } = follow()
    await log.start()
    await Promise.all(
      Array.from({ length: 30 }, async (_, row) => {
        await append(database.db, `row ${row}`)
        await log.catchUp()
        expect(seen).toContain(`row ${row}`)
      }),
    )
    expect(seen).toHaveLength(30)
  })

  it('works beside requests on a pool of one connection', async () => {
    const db = database.another({ poolSize: 1 })
    const { log, seen } = follow({ db, pollMs: 5 })
    await log.start()
    await Promise.all(Array.from({ length: 20 }, (_, row) => transaction(db, tx => append(tx, `row ${row}`))))
    await log.catchUp()
    expect(seen).toHaveLength(20)
  })

  it('keeps to the other subscribers when one throws, and ends subscriptions', async () => {
    const lines: string[] = []
    const { log, seen } = follow({ log: createLog('info', { write: line => lines.push(line) }) })
    const others: unknown[] = []
    log.subscribe('test', () => {
      throw new Error('broken subscriber')
    })
    const unsubscribe = log.subscribe('test', ({ payload }) => others.push(payload.name))
    await log.start()
    await append(database.db, 'first')
    await log.catchUp()
    unsubscribe()
    await append(database.db, 'second')
    await log.catchUp()
    expect([seen, others]).toEqual([['first', 'second'], ['first']])
    expect(lines.filter(line => line.includes('broken subscriber'))).toHaveLength(2)
  })
})

describe('freshness', () => {
  it('lasts for 3 s of the monotonic clock after the beginning of a read that succeeded', async () => {
    let now = 1_000
    const { log } = follow({ clock: () => now })
    expect(log.isFresh()).toBe(false)
    await log.start()
    expect(log.isFresh()).toBe(true)
    now += 2_999
    expect(log.isFresh()).toBe(true)
    now += 1
    expect(log.isFresh()).toBe(false)
    await log.catchUp()
    expect(log.isFresh()).toBe(true)
    await log.stop()
    expect(log.isFresh()).toBe(false)
  })

  it('ends while the log cannot be read, says so once, and comes back', async () => {
    const lines: string[] = []
    let now = 0
    const { log, seen } = follow({
      clock: () => now,
      pollMs: 5,
      log: createLog('info', { write: line => lines.push(line) }),
    })
    const linesWith = (text: string) => lines.filter(line => line.includes(text))
    await log.start()
    await sql`ALTER TABLE change_log RENAME TO gone`.execute(database.db)
    await append(database.db, 'not possible').catch(() => undefined)
    for (let failed = 0; failed < 5; failed++) await expect(log.catchUp()).rejects.toThrow('change_log')
    now += 3_000
    expect(log.isFresh()).toBe(false)
    await until(() => linesWith('cannot be read').length > 0)
    await sql`ALTER TABLE gone RENAME TO change_log`.execute(database.db)
    await append(database.db, 'after')
    await until(() => linesWith('is read again').length > 0)
    await log.catchUp()
    expect(seen).toEqual(['after'])
    expect(log.isFresh()).toBe(true)
    expect(linesWith('cannot be read')).toHaveLength(1)
  })

  it('is false until the first read, and start fails when the database does', async () => {
    await sql`ALTER TABLE change_log RENAME TO gone`.execute(database.db)
    const { log } = follow()
    await expect(log.start()).rejects.toThrow('change_log')
    expect(log.isFresh()).toBe(false)
  })
})

describe('change log sweep', () => {
  it('deletes what no follower can need, and followers go on', async () => {
    const { log, seen } = follow()
    await log.start()
    await append(database.db, 'old')
    await log.catchUp()
    await sql`UPDATE change_log SET created_at = created_at - interval '25 hours'`.execute(database.db)
    await append(database.db, 'kept')
    const sweeper = createSweeper({ db: database.db, log: silent })
    sweeper.register(changeLogSweep)
    expect(await sweeper.runOnce()).toBe(1)
    await log.catchUp()
    expect(seen).toEqual(['old', 'kept'])
  })
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5))
}
