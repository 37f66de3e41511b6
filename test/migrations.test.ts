import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { connect, type Db } from '../src/db/connect.ts'
import { migrate, migrationProvider, migrationStatus } from '../src/db/migrate.ts'
import { createLog } from '../src/log.ts'
import { type TestDatabase, testDatabase } from './support/postgres.ts'
import { schemaOf } from './support/schema.ts'

const FOLDER = new URL('../migrations/', import.meta.url)
const files = readdirSync(FOLDER).sort()
const names = files.map(file => file.replace(/\.ts$/, ''))

let database: TestDatabase
let db: Db
const open = (limitMs = 10_000) => connect(database.url, { poolSize: 1, log: createLog('silent'), limitMs })

beforeEach(async () => {
  database = await testDatabase()
  db = open()
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

describe('migrations', () => {
  it('go from empty to latest, and are then done', async () => {
    expect(await migrationStatus(db)).toEqual({ applied: [], pending: names })
    expect(await migrate(db)).toEqual(names)
    expect(await migrate(db)).toEqual([])
    expect(await migrationStatus(db)).toEqual({ applied: names, pending: [] })
  })

  it('make the schema of the snapshot', async () => {
    await migrate(db)
    expect(await schemaOf(db)).toMatchSnapshot()
  })

  it('each go down and up again to the same schema', async () => {
    const migrator = new Migrator({ db, provider: migrationProvider })
    for (const name of names) {
      const before = await schemaOf(db)
      expect(await migrator.migrateUp()).toMatchObject({
        results: [{ migrationName: name, status: 'Success' }],
      })
      const after = await schemaOf(db)
      expect(await migrator.migrateDown()).toMatchObject({
        results: [{ migrationName: name, status: 'Success' }],
      })
      expect({ name, schema: await schemaOf(db) }).toEqual({ name, schema: before })
      expect(await migrator.migrateUp()).toMatchObject({
        results: [{ migrationName: name, status: 'Success' }],
      })
      expect({ name, schema: await schemaOf(db) }).toEqual({ name, schema: after })
    }
  })

  it('run once when several nodes start at once', async () => {
    const nodes = [open(), open(), open(), open()]
    const applied = await Promise.all(nodes.map(migrate))
    expect(applied.map(list => list.length).sort((a, b) => a - b)).toEqual([0, 0, 0, names.length])
    await Promise.all(nodes.map(node => node.destroy()))
  })

  it('may take longer than a statement or a transaction may', async () => {
    await migrate(db)
    const node = open(100)
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    let locked = () => {}
    const isLocked = new Promise<void>(resolve => {
      locked = resolve
    })
    // Another node migrates: Kysely's lock.
    const other = db.connection().execute(async connection => {
      await sql`SELECT pg_advisory_lock(3853314791062309107)`.execute(connection)
      locked()
      await gate
      await sql`SELECT pg_advisory_unlock(3853314791062309107)`.execute(connection)
    })
    await isLocked
    const waiting = migrate(node)
    await new Promise(resolve => setTimeout(resolve, 300))
    release()
    expect(await waiting).toEqual([])
    await other
    await node.destroy()
  })

  it('say which one failed and why, and change nothing', async () => {
    await sql`CREATE TABLE consent (mine int)`.execute(db)
    await expect(migrate(db)).rejects.toThrow(
      /^The migration \S+-create-consent failed; nothing was changed\. relation "consent" already exists$/,
    )
    expect((await migrationStatus(db)).applied).toEqual([])
    await sql`DROP TABLE consent`.execute(db)
    expect(await migrate(db)).toEqual(names)
  })

  it('say when the database belongs to a newer version', async () => {
    await migrate(db)
    await sql`INSERT INTO kysely_migration VALUES ('2999-01-01T0000-from-the-future', '2999-01-01T00:00:00Z')`.execute(
      db,
    )
    await expect(migrate(db)).rejects.toThrow('2999-01-01T0000-from-the-future is missing')
  })
})

describe('migration files', () => {
  it.each(files)('%s is named, imports only kysely, and waits for locks for a bounded time', file => {
    expect(file).toMatch(/^\d{4}-\d\d-\d\dT\d{4}-[a-z]+(-[a-z0-9]+)+\.ts$/)
    const source = readFileSync(new URL(file, FOLDER), 'utf8')
    const imports = [...source.matchAll(/\bfrom\s+'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g)].map(
      match => match[1] ?? match[2],
    )
    expect(imports).toEqual(['kysely'])
    for (const direction of ['up', 'down'])
      expect(source).toMatch(
        new RegExp(
          `function ${direction}\\(db: Kysely<unknown>\\): Promise<void> {\\s+await sql\`SET LOCAL lock_timeout`,
        ),
      )
  })
})
