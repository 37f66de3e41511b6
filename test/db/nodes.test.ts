// Who serves on this database, and how to wait until all of them know of a change. Each node here has a change log of its
// own that reads when the test says so.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { appendChange, type ChangeLog, createChangeLog } from '../../src/db/change-log.ts'
import type { Db } from '../../src/db/connect.ts'
import { createNodes, type Nodes, nodeSweep, waitForAll } from '../../src/db/nodes.ts'
import { createSweeper } from '../../src/db/sweep.ts'
import { createLog } from '../../src/log.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'
import { until } from '../support/process.ts'

const silent = createLog('silent')

let database: MigratedDatabase
let db: Db
const running: (Nodes | ChangeLog)[] = []

beforeEach(async () => {
  database = await migratedDatabase()
  db = database.another({ poolSize: 1 })
})
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
  await database.close()
})

interface Timing {
  readonly pollMs?: number
  readonly heartbeatMs?: number
  readonly clock?: () => number
}

async function node({ pollMs = 3_600_000, heartbeatMs = 3_600_000, clock }: Timing = {}) {
  const own = database.another({ poolSize: 1 })
  const time = clock ? { clock } : {}
  const changeLog = createChangeLog({ db: own, log: silent, pollMs, ...time })
  const nodes = createNodes({ db: own, changeLog, log: silent, heartbeatMs, ...time })
  await changeLog.start()
  await nodes.start()
  running.push(nodes, changeLog)
  return { changeLog, nodes, own }
}

const wait = (timeoutSeconds: number) => waitForAll(db, { timeoutSeconds })

/** As a process that was killed this long ago; negative: that is not silent however long the test takes. */
const silentFor = (seconds: number, on = db) =>
  sql`UPDATE node SET seen_at = clock_timestamp() - make_interval(secs => ${seconds})`.execute(on)

const AN_HOUR = 3_600

/** A pool for which the database's clock stands still: between a statement and the next no time passes. */
async function withoutTime(): Promise<Db> {
  const name = sql.id(new URL(database.url).pathname.slice(1))
  await sql`CREATE SCHEMA standing`.execute(db)
  await sql`CREATE FUNCTION standing.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS $$ SELECT timestamptz '2026-11-01 12:00:00Z' $$`.execute(db)
  await sql`ALTER DATABASE ${name} SET search_path = standing, pg_catalog, public`.execute(db)
  return database.another({ poolSize: 1 })
}

/** A change after the wait has begun: its only connection answers one question after the other. */
async function begun(over: ReturnType<typeof wait>) {
  await appendChange(db, 'test', {})
  return { over }
}

describe('waiting for all', () => {
  it('nobody there: done', async () => {
    expect(await wait(0)).toMatchObject({ complete: true, nodes: { live: 0, acknowledged: 0 } })
  })

  it('a node acknowledges what it has read, and says it at once when that was a change', async () => {
    const { changeLog } = await node()
    await silentFor(-AN_HOUR)
    await appendChange(db, 'test', {})
    expect(await wait(0)).toMatchObject({ complete: false, nodes: { live: 1, acknowledged: 0 } })
    const waiting = await begun(wait(30))
    await changeLog.catchUp()
    await changeLog.catchUp()
    expect(await waiting.over).toMatchObject({ complete: true, nodes: { live: 1, acknowledged: 1 } })
  })

  it('with the heartbeat it says how far it has read when nothing has changed', async () => {
    await node({ pollMs: 5, heartbeatMs: 5 })
    expect(await wait(30)).toMatchObject({ complete: true, nodes: { live: 1, acknowledged: 1 } })
  })

  it('waits for each of several', async () => {
    const alive = { heartbeatMs: 100 }
    const [first, second] = [await node(alive), await node(alive)]
    const waiting = await begun(wait(30))
    await first.changeLog.catchUp()
    await first.changeLog.catchUp()
    await until('the first has acknowledged', async () => (await wait(0)).nodes.acknowledged <= 1)
    expect((await wait(0)).complete).toBe(false)
    await second.changeLog.catchUp()
    await second.changeLog.catchUp()
    expect(await waiting.over).toMatchObject({ complete: true, nodes: { live: 2, acknowledged: 2 } })
  })

  it('says at which row of the change log it stands', async () => {
    for (const name of ['one', 'two']) await appendChange(db, 'test', { name })
    const { rows } = await sql<{ id: string }>`SELECT max(id)::text AS id FROM change_log`.execute(db)
    expect((await wait(0)).position).toBe(rows[0]?.id)
  })

  it('not for one that is silent for 3 seconds, nor for one that has stopped', async () => {
    const { nodes } = await node()
    const still = await withoutTime()
    const liveAfter = async (seconds: number) => {
      await silentFor(seconds, still)
      return (await waitForAll(still, { timeoutSeconds: 0 })).nodes.live
    }
    expect([await liveAfter(2.9), await liveAfter(3)]).toEqual([1, 0])
    await silentFor(-AN_HOUR)
    expect((await wait(0)).nodes.live).toBe(1)
    await nodes.stop()
    expect((await wait(0)).nodes.live).toBe(0)
  })
})

describe('a node that others do not wait for', () => {
  it('distrusts its caches, although it reads the change log', async () => {
    let now = 1_000_000
    const { changeLog } = await node({ clock: () => now })
    expect(changeLog.isFresh()).toBe(true)
    now += 2_900
    await changeLog.catchUp()
    expect(changeLog.isFresh()).toBe(false)
  })

  it('trusts them again only after a read that began when others could see it again', async () => {
    let now = 1_000_000
    const { changeLog, own } = await node({ clock: () => now, heartbeatMs: 5 })
    await sql`ALTER TABLE node RENAME TO away`.execute(own)
    now += 2_900
    await changeLog.catchUp()
    const readBefore = now
    now += 1
    await sql`ALTER TABLE away RENAME TO node`.execute(own)
    await sql`UPDATE node SET seen_at = '-infinity'`.execute(own)
    await until('it is seen again', async () => (await wait(0)).nodes.live === 1)
    expect({ readBefore, fresh: changeLog.isFresh() }).toEqual({ readBefore, fresh: false })
    await until('it trusts its caches', async () => {
      now += 1
      await changeLog.catchUp()
      return changeLog.isFresh()
    })
  })

  it('is not fresh before it has started and after it has stopped', async () => {
    const own = database.another({ poolSize: 1 })
    const deps = { db: own, log: silent, clock: () => 0 }
    const changeLog = createChangeLog(deps)
    const nodes = createNodes({ ...deps, changeLog })
    await changeLog.start()
    running.push(changeLog)
    expect(changeLog.isFresh()).toBe(false)
    await nodes.start()
    expect(changeLog.isFresh()).toBe(true)
    await nodes.stop()
    expect(changeLog.isFresh()).toBe(false)
  })

  it('is swept in the end', async () => {
    await node()
    const sweeper = createSweeper({ db, log: silent })
    sweeper.register(nodeSweep)
    await silentFor(3_000)
    expect(await sweeper.runOnce()).toBe(0)
    await silentFor(3_601)
    expect(await sweeper.runOnce()).toBe(1)
  })
})
