// A database with the latest schema: copied from a template that is migrated once per run.
import { connect, type Db } from '../../src/db/connect.ts'
import { migrate } from '../../src/db/migrate.ts'
import { createLog, type Logger } from '../../src/log.ts'
import { createTemplate, testDatabase } from './postgres.ts'

export interface MigratedDatabase {
  readonly db: Db
  readonly url: string
  /** One more pool on the same database, as another node would have. Closed by `close` as well. */
  another(options?: DatabaseOptions): Db
  close(): Promise<void>
}

export interface DatabaseOptions {
  /** The default is 4, or what TEST_POOL_SIZE says: everything works with 1. */
  readonly poolSize?: number
  readonly log?: Logger
  readonly limitMs?: number
}

const silent = createLog('silent')

/** Call `close` when the test is over: it closes the pools and drops the database. */
export async function migratedDatabase(options: DatabaseOptions = {}): Promise<MigratedDatabase> {
  await createTemplate('migrated', async url => {
    const db = connect(url, { poolSize: 1, log: silent })
    await migrate(db)
    await db.destroy()
  })
  const { url, drop } = await testDatabase({ template: 'migrated' })
  const pools: Db[] = []
  const another = (other: DatabaseOptions = {}) => {
    const poolSize = Number(process.env.TEST_POOL_SIZE ?? 4)
    const db = connect(url, { poolSize, log: silent, ...other })
    pools.push(db)
    return db
  }
  return {
    db: another(options),
    url,
    another,
    async close() {
      await Promise.all(pools.map(db => db.destroy()))
      await drop()
    },
  }
}
