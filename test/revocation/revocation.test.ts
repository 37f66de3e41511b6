import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type ChangeLog, createChangeLog } from '../../src/db/change-log.ts'
import { createSweeper } from '../../src/db/sweep.ts'
import { transaction } from '../../src/db/transaction.ts'
import { createLog } from '../../src/log.ts'
import { createRevocations, type Revocation, revocationSweep } from '../../src/revocation/revocation.ts'
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

const inOneHour = () => new Date(Date.now() + 3_600_000)
const grant = (id: string, more: Partial<Revocation> = {}): Revocation => ({
  kind: 'grant',
  id,
  reason: 'test',
  expiresAt: inOneHour(),
  ...more,
})

/** A node with its own pool of 1, which reads the log when the test says so. `queries` counts what it asks. */
async function node() {
  let now = 0
  const db = database.another({ poolSize: 1 })
  const changeLog = createChangeLog({ db, log: silent, pollMs: 3_600_000, clock: () => now })
  logs.push(changeLog)
  const revocations = createRevocations({ db, changeLog })
  await changeLog.start()
  await revocations.start()
  const isRevoked = (id: string) => revocations.isRevoked([{ kind: 'grant', id }])
  return {
    db,
    changeLog,
    revocations,
    isRevoked,
    /** The log was not read for too long. */
    goStale: () => {
      now += 10_000
    },
    revoke: (revocation: Revocation) => transaction(db, tx => revocations.revoke(tx, revocation)),
  }
}
const rows = () => database.db.selectFrom('revocation').selectAll().execute()

describe('revocation', () => {
  it('is known to this node and to others once they have read the log', async () => {
    const [one, two] = [await node(), await node()]
    await one.revoke(grant('g'))
    await one.changeLog.catchUp()
    await two.changeLog.catchUp()
    expect([await one.isRevoked('g'), await two.isRevoked('g')]).toEqual([true, true])
    expect([await one.isRevoked('other'), await two.isRevoked('other')]).toEqual([false, false])
    expect(await one.revocations.isRevoked([{ kind: 'token', id: 'g' }])).toBe(false)
    expect(
      await one.revocations.isRevoked([
        { kind: 'token', id: 'g' },
        { kind: 'grant', id: 'g' },
      ]),
    ).toBe(true)
    expect(await one.revocations.isRevoked([])).toBe(false)
  })

  it('of all that was issued ends what is not younger, from memory, from the database and after a start', async () => {
    const one = await node()
    const time = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))
    const issuance = (issuedBefore?: Date): Revocation => ({
      ...grant('billing'),
      kind: 'issuance',
      issuedBefore,
    })
    const ask = ({ revocations }: Awaited<ReturnType<typeof node>>) =>
      Promise.all(
        [time(9), time(10), time(11), new Date(Date.now() + 60_000)].map(issuedAt =>
          revocations.isRevoked([{ kind: 'issuance', id: 'billing', issuedAt }]),
        ),
      )
    await one.revoke(issuance(time(10)))
    await one.changeLog.catchUp()
    expect(await ask(one)).toEqual([true, true, false, false])
    // An earlier one takes nothing back, and none reaches beyond the moment it is made.
    await one.revoke(issuance(time(5)))
    await one.changeLog.catchUp()
    expect(await ask(one)).toEqual([true, true, false, false])
    expect(await ask(await node())).toEqual([true, true, false, false])
    await one.revoke(issuance(new Date(Date.now() + 3_600_000)))
    await one.changeLog.catchUp()
    expect(await ask(one)).toEqual([true, true, true, false])
    one.goStale()
    expect(await ask(one)).toEqual([true, true, true, false])
  })

  it('does not happen when its transaction does not', async () => {
    const one = await node()
    await transaction(one.db, async tx => {
      await one.revocations.revoke(tx, grant('g'))
      throw new Error('no')
    }).catch(() => undefined)
    await one.changeLog.catchUp()
    expect(await one.isRevoked('g')).toBe(false)
    one.goStale()
    expect(await one.isRevoked('g')).toBe(false)
  })

  it('is loaded by a node that starts later', async () => {
    const one = await node()
    await one.revoke(grant('limited'))
    await one.revoke(grant('for ever', { expiresAt: null }))
    await sql`DELETE FROM change_log`.execute(database.db)
    const two = await node()
    expect(await two.isRevoked('limited')).toBe(true)
    expect(await two.isRevoked('for ever')).toBe(true)
  })

  it('reaches a node while that node starts', async () => {
    const one = await node()
    const db = database.another({ poolSize: 1 })
    const changeLog = createChangeLog({ db, log: silent, pollMs: 3_600_000 })
    logs.push(changeLog)
    await changeLog.start()
    const revocations = createRevocations({ db, changeLog })
    // Open while the node loads, committed afterwards.
    let commit = () => {}
    const gate = new Promise<void>(resolve => {
      commit = resolve
    })
    let written = () => {}
    const isWritten = new Promise<void>(resolve => {
      written = resolve
    })
    const revoking = transaction(one.db, async tx => {
      await one.revocations.revoke(tx, grant('g'))
      written()
      await gate
    })
    await isWritten
    await revocations.start()
    commit()
    await revoking
    await changeLog.catchUp()
    expect(await revocations.isRevoked([{ kind: 'grant', id: 'g' }])).toBe(true)
  })

  it('is asked of memory while the log is fresh, of the database when it is not', async () => {
    const one = await node()
    await sql`INSERT INTO revocation (kind, id, reason) VALUES ('grant', 'g', 'not in the log')`.execute(
      database.db,
    )
    expect(await one.isRevoked('g')).toBe(false)
    one.goStale()
    expect(await one.isRevoked('g')).toBe(true)
    expect(await one.isRevoked('a\0b')).toBe(false)
    await sql`ALTER TABLE revocation RENAME TO gone`.execute(database.db)
    await expect(one.isRevoked('g')).rejects.toThrow('revocation')
    await one.changeLog.catchUp()
    expect(await one.isRevoked('g')).toBe(false)
  })

  it('is asked of the database before the node has loaded', async () => {
    const one = await node()
    await one.revoke(grant('g'))
    await sql`DELETE FROM change_log`.execute(database.db)
    const changeLog = createChangeLog({ db: database.db, log: silent })
    logs.push(changeLog)
    await changeLog.start()
    const revocations = createRevocations({ db: database.db, changeLog })
    expect(await revocations.isRevoked([{ kind: 'grant', id: 'g' }])).toBe(true)
  })

  it('keeps the first reason and the longer life', async () => {
    const one = await node()
    const [soon, late] = [new Date(Date.now() + 60_000), inOneHour()]
    await one.revoke(grant('g', { reason: 'first', expiresAt: late }))
    await one.revoke(grant('g', { reason: 'second', expiresAt: soon }))
    expect(await rows()).toMatchObject([{ reason: 'first', expires_at: late }])
    await one.revoke(grant('g', { reason: 'third', expiresAt: null }))
    await one.revoke(grant('g', { reason: 'fourth', expiresAt: soon }))
    expect(await rows()).toMatchObject([{ reason: 'first', expires_at: null }])
  })

  it('is forgotten by the database some time after nothing can be alive any more', async () => {
    const one = await node()
    const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000)
    await one.revoke(grant('long over', { expiresAt: ago(10) }))
    await one.revoke(grant('just over', { expiresAt: ago(1) }))
    await one.revoke(grant('alive'))
    await one.revoke(grant('for ever', { expiresAt: null }))
    const sweeper = createSweeper({ db: database.db, log: silent })
    sweeper.register(revocationSweep)
    expect(await sweeper.runOnce()).toBe(1)
    expect((await rows()).map(({ id }) => id).sort()).toEqual(['alive', 'for ever', 'just over'])
  })

  it('holds when many revoke and ask at once', async () => {
    const nodes = [await node(), await node()]
    await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const [one, two] = index % 2 === 0 ? nodes : nodes.toReversed()
        await one?.revoke(grant(`g${index % 10}`))
        await two?.changeLog.catchUp()
        expect(await two?.isRevoked(`g${index % 10}`)).toBe(true)
      }),
    )
  })
})
