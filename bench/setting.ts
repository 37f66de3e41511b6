/** Where the bench takes place: an embedded Postgres with many clients, and two servers of ours on it. */
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyFile } from '../src/admin/apply.ts'
import { parseDeclarativeFile } from '../src/admin/declarative-file.ts'
import { createAudit } from '../src/audit/audit.ts'
import { connect, type Db } from '../src/db/connect.ts'
import { startEmbeddedPostgres } from '../src/db/embedded.ts'
import { migrate } from '../src/db/migrate.ts'
import { createLog } from '../src/log.ts'
import { createKeyring, type Keyring } from '../src/secrets/keyring.ts'
import { type Server, startServer } from './server.ts'

export const RESOURCE = 'https://bench.example.com'
export const CLIENT_SECRET = 'bench-client-secret-0123456789-0123456789'
export const CLIENTS = 1000
const MASTER_SECRET = Buffer.alloc(32, 9).toString('base64url')

export interface Setting {
  readonly db: Db
  readonly keyring: Keyring
  readonly issuer: string
  /** Of the issuer: both of our servers answer to this name only. */
  readonly host: string
  readonly ours: Server
  /** A second node on the same database. It counts the statements of each request, so it is not measured. */
  readonly second: Server
  /** References, by the name of their file in bench/servers. */
  readonly references: Readonly<Record<string, Server>>
  close(): Promise<void>
}

const clients = Array.from({ length: CLIENTS }, (_, index) => ({
  client_id: `bench-${index}`,
  client_secret: CLIENT_SECRET,
  organization: 'bench',
  grant_types: ['client_credentials'],
  resource_scopes: { [RESOURCE]: ['read:bench'] },
  introspect: [RESOURCE],
}))

const base = {
  organizations: [{ id: 'bench', name: 'Bench' }],
  resources: [
    {
      identifier: RESOURCE,
      name: 'Bench API',
      organization: 'bench',
      scopes: { 'read:bench': { description: 'Read' } },
    },
  ],
}

/** Files of a hundred clients each: one file is one transaction, and a transaction has ten seconds. */
const files = Array.from({ length: CLIENTS / 100 }, (_, index) => ({
  ...base,
  clients: clients.slice(index * 100, (index + 1) * 100),
}))

export async function prepareSetting(): Promise<Setting> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const postgres = await startEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    log: () => undefined,
  })
  const log = createLog('silent')
  const db = connect(postgres.url, { poolSize: 4, log })
  await migrate(db)
  const keyring = createKeyring([Buffer.from(MASTER_SECRET, 'base64url')])
  const audit = createAudit({ db, log })
  for (const file of files)
    await applyFile({ db, keyring, audit, log }, parseDeclarativeFile(JSON.stringify(file)))

  const [port, other] = [await freePort(), await freePort()]
  const issuer = `http://localhost:${port}`
  const ourEnvironment = (own: number) => ({
    PORT: String(own),
    ISSUER: issuer,
    DATABASE_URL: postgres.url,
    LATCHKEY_SECRETS: MASTER_SECRET,
    LOG_LEVEL: 'warn',
  })
  const references = { BENCH_CLIENT_SECRET: CLIENT_SECRET, BENCH_RESOURCE: RESOURCE }
  const ours = await startServer('latchkey', ourEnvironment(port))
  const second = await startServer('latchkey', { ...ourEnvironment(other), BENCH_COUNT_STATEMENTS: 'true' })
  const hello = await startServer('hello')
  const koa = await startServer('koa')
  const stock = await startServer('stock', references)
  return {
    db,
    keyring,
    issuer,
    host: `localhost:${port}`,
    ours,
    second,
    references: { hello, koa, stock },
    async close() {
      await Promise.all([ours, second, hello, koa, stock].map(server => server.stop()))
      await db.destroy()
      await postgres.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
