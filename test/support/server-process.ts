// The server as a process of its own, and several of them on one database and one issuer, as behind a load balancer.
import { fileURLToPath } from 'node:url'
import { applyFile } from '../../src/admin/apply.ts'
import { parseDeclarativeFile } from '../../src/admin/declarative-file.ts'
import { findKnownObjects } from '../../src/admin/known-objects.ts'
import { createAudit } from '../../src/audit/audit.ts'
import type { Db } from '../../src/db/connect.ts'
import { createLog } from '../../src/log.ts'
import { createKeyring, type Keyring } from '../../src/secrets/keyring.ts'
import { type Answer, ask, type Question } from '../http/ground.ts'
import { type Agent, createAgent } from './agent.ts'
import { TEST_SECRET } from './app.ts'
import { type MigratedDatabase, migratedDatabase } from './database.ts'
import { freePort } from './free-port.ts'
import { latchkey } from './latchkey.ts'
import { type Finished, type Running, runNode, TYPESCRIPT } from './process.ts'

export interface ServerProcess {
  readonly issuer: string
  readonly port: number
  readonly pid: number
  /** Resolves when it answers requests; rejects when it ends before that. */
  ready(): Promise<void>
  /** Asks this process, under the issuer's name unless `headers` say otherwise. */
  ask(question: Question): Promise<Answer>
  /** All it has printed on standard error so far. */
  log(): string
  /** All it has printed on standard output so far. */
  printed(): string
  readonly finished: Promise<Finished>
  /** Ends it, if it still runs. */
  end(signal?: NodeJS.Signals): Promise<Finished>
}

export interface ServerOptions {
  readonly databaseUrl: string
  readonly port?: number
  /** The default is the process's own port on localhost. */
  readonly issuer?: string
  readonly env?: Record<string, string>
}

export interface RaceOptions extends ServerOptions {
  /** Milliseconds that every read of the database takes longer, before its answer is looked at. */
  readonly delayAfterReads?: number
  /** Codes and refresh tokens are marked as used without looking whether they are. */
  readonly brokenStorage?: boolean
}

/** `latchkey start`: the command as an operator runs it. Does not wait until it is ready. */
export async function launch(options: ServerOptions): Promise<ServerProcess> {
  return await run(settings => latchkey(['start'], settings), options)
}

/** The server without the steps of `latchkey start`: the database is migrated and has what it needs. */
export async function startServer(options: RaceOptions): Promise<ServerProcess> {
  const { delayAfterReads, brokenStorage } = options
  const { PATH, HOME } = process.env
  const args = [
    ...TYPESCRIPT,
    fileURLToPath(new URL('server-entry.ts', import.meta.url)),
    ...(delayAfterReads === undefined ? [] : [`--delay-after-reads=${delayAfterReads}`]),
    ...(brokenStorage ? ['--broken-storage'] : []),
  ]
  const server = await run(settings => runNode(args, { env: { PATH, HOME, ...settings } }), options)
  await server.ready()
  return server
}

async function run(
  start: (settings: Record<string, string>) => Running,
  options: ServerOptions,
): Promise<ServerProcess> {
  const port = options.port ?? (await freePort())
  const issuer = options.issuer ?? `http://localhost:${port}`
  const { TEST_POOL_SIZE: poolSize } = process.env
  const child = start({
    ...(poolSize !== undefined && { DATABASE_POOL_SIZE: poolSize }),
    PORT: String(port),
    ISSUER: issuer,
    DATABASE_URL: options.databaseUrl,
    LATCHKEY_SECRETS: TEST_SECRET,
    LOG_LEVEL: 'debug',
    ...options.env,
  })
  const { pid, stdout, stderr } = child.process
  if (pid === undefined) throw new Error('The server process did not start.')
  const output = { stdout: '', stderr: '' }
  stdout?.on('data', chunk => {
    output.stdout += chunk
  })
  stderr?.on('data', chunk => {
    output.stderr += chunk
  })
  return {
    issuer,
    port,
    pid,
    async ready() {
      await child.printed(/^ready$/m)
    },
    ask: question => ask({ port, issuer }, question),
    log: () => output.stderr,
    printed: () => output.stdout,
    finished: child.finished,
    end(signal = 'SIGTERM') {
      if (child.process.exitCode === null && child.process.signalCode === null) child.process.kill(signal)
      return child.finished
    },
  }
}

export interface Prepared {
  readonly database: MigratedDatabase
  readonly db: Db
  readonly keyring: Keyring
  /** A declarative file, while the processes run. */
  apply(file: object): Promise<void>
}

/** A database that holds what the declarative file says. */
async function prepare(file: object): Promise<Prepared> {
  const database = await migratedDatabase()
  const { db } = database
  const keyring = createKeyring([Buffer.from(TEST_SECRET, 'base64url')])
  const log = createLog('silent')
  const audit = createAudit({ db, log })
  const apply = async (content: object) => {
    const known = await findKnownObjects(db, content)
    await applyFile({ db, keyring, audit, log }, parseDeclarativeFile(JSON.stringify(content), known))
  }
  await apply(file)
  return { database, db, keyring, apply }
}

export interface Single extends Prepared {
  readonly server: ServerProcess
  close(): Promise<void>
}

/** One process on a database of its own. @param options may depend on the database's URL */
export async function startSingle(
  file: object,
  options: (databaseUrl: string) => RaceOptions | Promise<RaceOptions> = databaseUrl => ({ databaseUrl }),
): Promise<Single> {
  const prepared = await prepare(file)
  const server = await startServer(await options(prepared.database.url))
  return {
    ...prepared,
    server,
    async close() {
      await server.end()
      await prepared.database.close()
    },
  }
}

export interface Cluster extends Prepared {
  readonly issuer: string
  readonly nodes: readonly [ServerProcess, ServerProcess]
  /** A browser that talks to the first node, which has the issuer's port. */
  agent(): Agent
  /** Asks the nodes in turn, all at once: `question` number 0 goes to the first, 1 to the second, 2 to the first … */
  together(times: number, question: (index: number) => Question): Promise<Answer[]>
  close(): Promise<void>
}

/** Two processes on one database under one issuer. @param file a declarative file, applied before they start */
export async function startCluster(
  options: Omit<RaceOptions, 'databaseUrl' | 'port' | 'issuer'>,
  file: object,
): Promise<Cluster> {
  const prepared = await prepare(file)
  const databaseUrl = prepared.database.url
  const first = await startServer({ ...options, databaseUrl })
  const second = await startServer({ ...options, databaseUrl, issuer: first.issuer })
  const nodes = [first, second] as const
  return {
    ...prepared,
    issuer: first.issuer,
    nodes,
    agent: () => createAgent(first.issuer),
    together: (times, question) =>
      Promise.all(
        Array.from({ length: times }, (_, index) => (index % 2 === 0 ? first : second).ask(question(index))),
      ),
    async close() {
      await Promise.all(nodes.map(node => node.end()))
      await prepared.database.close()
    },
  }
}
