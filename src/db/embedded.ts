// A real Postgres server for a machine that has none: the binaries come from npm, the data lies in one directory, and the
// server ends with the process that started it. Used by `start` when no database is configured, and by the tests.
import { chmodSync, mkdirSync, realpathSync } from 'node:fs'
import pg from 'pg'
import { findBinaries } from './embedded/binaries.ts'
import { ensureCluster, readPassword } from './embedded/cluster.ts'
import { findHome } from './embedded/home.ts'
import { claimDirectory } from './embedded/lock.ts'
import { endOrphan } from './embedded/orphan.ts'
import { chooseRunAs, type RunAsChoice } from './embedded/run-as.ts'
import { type Server, startServer } from './embedded/server.ts'

const DATABASE = 'latchkey'

export interface EmbeddedPostgresOptions {
  /** Holds the data and the password. Made when missing. */
  readonly directory: string
  /** Gets the server's own log, line by line, and where the data is when it is not in `directory`. */
  readonly log: (line: string) => void
  /** On 127.0.0.1. Default: a free one. */
  readonly port?: number | undefined
  /** False: a crash of the machine may lose everything. For tests. Default: true. */
  readonly durable?: boolean | undefined
  readonly maxConnections?: number | undefined
  /** How a server that refuses to run as root is run by root. Default: whichever works here. */
  readonly runAs?: RunAsChoice | undefined
}

export interface EmbeddedPostgres {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Starts the server and returns when it accepts connections. Only who knows the password in `url` gets in. A directory
 * has one server at a time: a second start throws, naming the process that uses it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const directory = realpathSync(options.directory)
  const release = claimDirectory(directory)
  try {
    const server = await startIn(directory, options)
    const url = urlOf(server, readPassword(directory), DATABASE)
    try {
      await ensureDatabase(urlOf(server, readPassword(directory), 'postgres'))
    } catch (error) {
      await server.stop()
      throw error
    }
    return {
      url,
      async stop() {
        await server.stop()
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}

async function startIn(directory: string, options: EmbeddedPostgresOptions): Promise<Server> {
  const { log, port, durable = true, maxConnections = 100 } = options
  await endOrphan(directory, log)
  const runAs = chooseRunAs(options.runAs)
  if (runAs.kind === 'namespace') chmodSync(directory, 0o700)
  const home = findHome(directory, runAs, log)
  const binaries = findBinaries(home, runAs)
  const data = await ensureCluster({ directory, home, binaries, runAs, durable })
  return await startServer({ data, binaries, runAs, log, port, durable, maxConnections })
}

function urlOf(server: Server, password: string, database: string): string {
  return `postgres://latchkey:${password}@127.0.0.1:${server.port}/${database}`
}

async function ensureDatabase(maintenanceUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl })
  await client.connect()
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`)
  } finally {
    await client.end()
  }
}
