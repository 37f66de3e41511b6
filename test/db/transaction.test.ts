import { afterEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { connect, type Db } from '../../src/db/connect.ts'
import { transaction } from '../../src/db/transaction.ts'
import { isBadText, isUnavailable } from '../../src/db/unavailable.ts'
import { createLog } from '../../src/log.ts'
import { type DatabaseOptions, type MigratedDatabase, migratedDatabase } from '../support/database.ts'

/** Short enough to be waited for, and far longer than what these tests do within it. */
const LIMIT = 3_000

let database: MigratedDatabase | undefined
afterEach(async () => {
  await database?.close()
  database = undefined
})

const open = async (options: DatabaseOptions = {}) => {
  database = await migratedDatabase({ poolSize: 1, ...options })
  return database.db
}
const openLimited = () => open({ limitMs: LIMIT })
const addOrganization = (db: Db, id: string) =>
  db.insertInto('organization').values({ id, name: id }).execute()
const organizations = async (db: Db) =>
  (await db.selectFrom('organization').select('id').orderBy('id').execute()).map(({ id }) => id)
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )
const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('transaction', () => {
  it('commits all or nothing', async () => {
    const db = await open()
    await transaction(db, tx => addOrganization(tx, 'kept'))
    const error = await failure(
      transaction(db, async tx => {
        await addOrganization(tx, 'dropped')
        throw new Error('no')
      }),
    )
    expect(error).toEqual(new Error('no'))
    expect(await organizations(db)).toEqual(['kept'])
  })

  it('joins the transaction it is given', async () => {
    const db = await open()
    const error = await failure(
      transaction(db, async outer => {
        await transaction(outer, inner => addOrganization(inner, 'inner'))
        throw new Error('no')
      }),
    )
    expect(error).toEqual(new Error('no'))
    expect(await organizations(db)).toEqual([])
  })

  it('ends one of many short statements at the limit: error, nothing committed, the pool works on', async () => {
    const db = await openLimited()
    const error = await failure(
      transaction(db, async tx => {
        await addOrganization(tx, 'late')
        for (;;) await sql`SELECT pg_sleep(0.01)`.execute(tx)
      }),
    )
    expect(error).toMatchObject({ name: 'TransactionLimitError' })
    expect(isUnavailable(error)).toBe(true)
    expect(await organizations(db)).toEqual([])
  })

  it('ends one that waits for something else than Postgres, and gives its place in the pool back', async () => {
    const db = await openLimited()
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    const { promise: afterwards, resolve: tell } = Promise.withResolvers<unknown>()
    const error = await failure(
      transaction(db, async tx => {
        await addOrganization(tx, 'stuck')
        await gate
        tell(await failure(addOrganization(tx, 'too late')))
      }),
    )
    expect(error).toMatchObject({ name: 'TransactionLimitError' })
    expect(await organizations(db)).toEqual([])
    release()
    expect(await afterwards).toBeInstanceOf(Error)
    expect(await organizations(db)).toEqual([])
  })

  it('ends one that was begun without the helper as well', async () => {
    const db = await openLimited()
    const error = await failure(
      db.connection().execute(async connection => {
        await sql`  start transaction`.execute(connection)
        await addOrganization(connection, 'by hand')
        await sql`SAVEPOINT here`.execute(connection)
        await sql`ROLLBACK TO here`.execute(connection)
        for (;;) await sql`SELECT pg_sleep(0.01)`.execute(connection)
      }),
    )
    expect(error).toMatchObject({ name: 'TransactionLimitError' })
    expect(await organizations(db)).toEqual([])
  })

  it('keeps the locks no longer than the limit', async () => {
    const db = await openLimited()
    const other = database?.another({ limitMs: 20_000 }) as Db
    await addOrganization(db, 'shared')
    const rename = (on: Db, name: string) => on.updateTable('organization').set({ name }).execute()
    let locked = () => {}
    const isLocked = new Promise<void>(resolve => {
      locked = resolve
    })
    const first = failure(
      transaction(db, async tx => {
        await rename(tx, 'first')
        locked()
        await new Promise(() => {})
      }),
    )
    await isLocked
    await rename(other, 'second')
    expect(await first).toMatchObject({ name: 'TransactionLimitError' })
    expect(await other.selectFrom('organization').select('name').execute()).toEqual([{ name: 'second' }])
  })

  it('does not end the next transaction on the same connection for the age of the one before', async () => {
    const db = await open({ limitMs: 4_000 })
    for (let round = 0; round < 5; round++) await transaction(db, tx => sql`SELECT pg_sleep(1)`.execute(tx))
    await pause(3_500)
    expect(await organizations(db)).toEqual([])
  })

  it('ends a statement at the limit', async () => {
    const db = await openLimited()
    const error = await failure(sql`SELECT pg_sleep(30)`.execute(db))
    expect(error).toMatchObject({ code: '57014' })
    expect(isUnavailable(error)).toBe(true)
  })
})

describe('isUnavailable', () => {
  it('knows a connection that was ended by the server, and the process survives it', async () => {
    const db = await open()
    const other = database?.another() as Db
    const kill = (pid: number) => sql`SELECT pg_terminate_backend(${pid})`.execute(other)
    const pidOf = async (on: Db) =>
      (await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(on)).rows[0]?.pid ?? 0
    const error = await failure(
      transaction(db, async tx => {
        await kill(await pidOf(tx))
        await pause(50)
        await addOrganization(tx, 'lost')
      }),
    )
    expect(isUnavailable(error)).toBe(true)
    expect(await organizations(db)).toEqual([])
  })

  it('knows a pool that is used up', async () => {
    const db = await open({ limitMs: 30_000 })
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const holder = transaction(db, async () => await gate)
    const error = await failure(organizations(db))
    release()
    await holder
    expect(isUnavailable(error)).toBe(true)
  })

  it('knows a server that is not there, by address, by name and by socket', async () => {
    for (const url of [
      'postgres://a@127.0.0.1:1/x',
      'postgres://a@localhost:1/x',
      'postgres:///x?host=/nowhere',
    ]) {
      const db = connect(url, { poolSize: 1, log: createLog('silent') })
      expect([url, isUnavailable(await failure(organizations(db)))]).toEqual([url, true])
      await db.destroy()
    }
  })

  it('does not take our own mistakes for it', async () => {
    const db = await open()
    await addOrganization(db, 'twice')
    expect(isUnavailable(await failure(addOrganization(db, 'twice')))).toBe(false)
    expect(isUnavailable(await failure(sql`SELECT nonsense`.execute(db)))).toBe(false)
    for (const value of [undefined, null, 'ECONNREFUSED', new Error('no'), { code: 'ENOENT' }])
      expect(isUnavailable(value)).toBe(false)
  })

  it('is told apart from text that Postgres does not take', async () => {
    const db = await open()
    const inText = await failure(addOrganization(db, 'a\0b'))
    const inJson = await failure(sql`SELECT ${JSON.stringify('a\0b')}::jsonb`.execute(db))
    expect([isBadText(inText), isBadText(inJson), isUnavailable(inText)]).toEqual([true, true, false])
  })
})
