/**
 * Brings the schema to what this version needs. Everything that is pending runs in one transaction under Kysely's
 * advisory lock: several nodes may start at once, one does the work, a failure changes nothing.
 */
import { readdir } from 'node:fs/promises'
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration'
import { connectWithoutLimits, type Db } from './connect.ts'

/** dist/migrations when compiled, migrations/ under jest. */
const FOLDER = new URL('../../migrations/', import.meta.url)

const MIGRATION_FILE = /^(\d{4}-\d\d-\d\dT\d{4}-[a-z0-9-]+)\.(?:js|ts)$/

/** The migrations of this version, by name. */
export const migrationProvider: MigrationProvider = {
  async getMigrations() {
    const migrations: Record<string, Migration> = {}
    for (const file of await readdir(FOLDER)) {
      const name = MIGRATION_FILE.exec(file)?.[1]
      if (name !== undefined) migrations[name] = (await import(new URL(file, FOLDER).href)) as Migration
    }
    return migrations
  },
}

/**
 * Runs what is pending, on a connection of its own without time limits: a migration or the wait for another node's may
 * take longer than a request ever should.
 * @returns the names that were applied here; empty when the schema was up to date.
 * @throws Error that says which migration failed and why.
 */
export async function migrate(db: Db): Promise<string[]> {
  const own = connectWithoutLimits(db)
  try {
    const { error, results = [] } = await new Migrator({
      db: own,
      provider: migrationProvider,
    }).migrateToLatest()
    if (error === undefined) return results.map(({ migrationName }) => migrationName)
    const failed = results.find(({ status }) => status === 'Error')?.migrationName
    const what = failed === undefined ? 'The migrations could not run' : `The migration ${failed} failed`
    throw new Error(`${what}; nothing was changed. ${reasonOf(error)}`, { cause: error })
  } finally {
    await own.destroy()
  }
}

/** Which migrations of this version the database has, and which it lacks. Writes nothing. */
export async function migrationStatus(db: Db): Promise<{ applied: string[]; pending: string[] }> {
  const migrations = await new Migrator({ db, provider: migrationProvider }).getMigrations()
  const names = (executed: boolean) =>
    migrations.filter(({ executedAt }) => (executedAt !== undefined) === executed).map(({ name }) => name)
  return { applied: names(true), pending: names(false) }
}

function reasonOf(error: unknown): string {
  const { message } = error as { message?: unknown }
  return typeof message === 'string' && message !== '' ? message : String(error)
}
