// A fresh database for every caller, on the server that global-setup.ts started for the whole run.
import { randomBytes } from 'node:crypto'
import pg from 'pg'

export interface TestDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** An empty database, or a copy of a template that `createTemplate` made. Call `drop` when the test is over. */
export async function testDatabase({ template }: { template?: string } = {}): Promise<TestDatabase> {
  const name = nameOf(randomBytes(6).toString('hex'))
  const source = template === undefined ? 'template0' : nameOf(template)
  await onServer(client => client.query(`create database "${name}" template "${source}"`))
  return {
    url: urlOf(name),
    drop: () => onServer(client => drop(client, name)),
  }
}

/**
 * Makes a template once per run, whichever worker asks first; the others wait for it. `prepare` must have closed its
 * connections when it returns.
 */
export async function createTemplate(name: string, prepare: (url: string) => Promise<void>): Promise<void> {
  const database = nameOf(name)
  await onServer(async client => {
    // Held until this connection ends.
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [database])
    const found = await client.query('select 1 from pg_database where datname = $1 and datistemplate', [
      database,
    ])
    if (found.rowCount === 1) return
    await drop(client, database) // half made: its maker failed
    await client.query(`create database "${database}" template template0`)
    await prepare(urlOf(database))
    await client.query(`alter database "${database}" with is_template true allow_connections false`)
  })
}

/** Fails with what to do when there is no server. */
export async function checkServer(): Promise<void> {
  try {
    await onServer(client => client.query('select 1'))
  } catch (cause) {
    const message =
      'TEST_DATABASE_URL names a server that does not answer. Start it, or unset it and run: npm test'
    throw new Error(`${message}\n${String(cause)}`, { cause })
  }
}

export async function dropDatabasesOfRun(): Promise<void> {
  await onServer(async client => {
    const mine = 'select datname from pg_database where starts_with(datname, $1)'
    for (const { datname } of (await client.query<{ datname: string }>(mine, [run()])).rows) {
      await client.query(`alter database "${datname}" with is_template false`)
      await drop(client, datname)
    }
  })
}

async function drop(client: pg.Client, name: string): Promise<void> {
  await client.query(`drop database if exists "${name}" with (force)`)
}

async function onServer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function nameOf(suffix: string): string {
  return `${run()}_${suffix}`
}

function urlOf(database: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${database}`
  return url.href
}

function serverUrl(): string {
  return fromSetup('TEST_DATABASE_URL')
}

function run(): string {
  return fromSetup('LATCHKEY_TEST_RUN')
}

function fromSetup(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error('There is no Postgres server for the tests. Run: npm test')
  return value
}
