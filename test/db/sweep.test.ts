import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { createSweeper, type SweepTarget } from '../../src/db/sweep.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/log.ts'
import { type MigratedDatabase, migratedDatabase } from '../support/database.ts'

const expired: SweepTarget = { name: 'interaction', table: 'interaction', where: sql`expires_at < now()` }

let database: MigratedDatabase
beforeEach(async () => {
  database = await migratedDatabase()
})
afterEach(() => database.close())

const fill = (rows: number, age: string) =>
  sql`INSERT INTO interaction (id_hash, sealed_payload, expires_at)
    SELECT sha256((${age} || n)::bytea), '', now() - ${age}::interval FROM generate_series(1, ${rows}::int) n`.execute(
    database.db,
  )
const count = async () =>
  Number(
    (
      await database.db
        .selectFrom('interaction')
        .select(sql<string>`count(*)`.as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  )
const sweeperOf = (batchSize: number, lines: string[] = [], db = database.another({ poolSize: 1 })) => {
  const sweeper = createSweeper({
    db,
    batchSize,
    everyMs: 5,
    log: createLog('debug', { write: line => lines.push(line) }),
  })
  sweeper.register(expired)
  return sweeper
}

describe('sweep', () => {
  it('deletes what has expired, all of it, in batches, and nothing else', async () => {
    await fill(25, '1 minute')
    await fill(5, '-1 hour')
    expect(await sweeperOf(10).runOnce()).toBe(25)
    expect(await count()).toBe(5)
  })

  it('may run on several nodes at once', async () => {
    await fill(400, '1 minute')
    const swept = await Promise.all([
      sweeperOf(20).runOnce(),
      sweeperOf(20).runOnce(),
      sweeperOf(20).runOnce(),
    ])
    expect((await sweeperOf(500).runOnce()) + swept.reduce((a, b) => a + b)).toBe(400)
    expect(await count()).toBe(0)
  })

  it('leaves a row that is prolonged at the same moment', async () => {
    await fill(1, '1 minute')
    let commit = () => {}
    const gate = new Promise<void>(resolve => {
      commit = resolve
    })
    let prolonged = () => {}
    const isProlonged = new Promise<void>(resolve => {
      prolonged = resolve
    })
    const update = transaction(database.another({ poolSize: 1 }), async tx => {
      await tx.updateTable('interaction').set({ expires_at: sql`now() + interval '1 hour'` }).execute()
      prolonged()
      await gate
    })
    await isProlonged
    const sweeping = sweeperOf(10).runOnce()
    await waitForLock()
    commit()
    await update
    expect(await sweeping).toBe(0)
    expect(await count()).toBe(1)
  })

  it('goes on with the next target when one fails', async () => {
    await fill(1, '1 minute')
    const lines: string[] = []
    const sweeper = createSweeper({
      db: database.db,
      log: createLog('info', { write: line => lines.push(line) }),
    })
    sweeper.register({ ...expired, name: 'broken', where: sql`no_such_column < now()` }, expired)
    expect(await sweeper.runOnce()).toBe(1)
    expect(lines).toEqual([expect.stringContaining('no_such_column')])
  })

  it('runs by itself until it is stopped', async () => {
    await fill(30, '1 minute')
    const sweeper = sweeperOf(10)
    sweeper.start()
    while ((await count()) > 0);
    await sweeper.stop()
    await fill(1, '2 minutes')
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(await count()).toBe(1)
  })
})

async function waitForLock(): Promise<void> {
  for (;;) {
    const { rows } = await sql`SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(database.db)
    if (rows.length > 0) return
  }
}
