// The real server in this process: a free port, a database of its own, nothing replaced.
import { applyFile } from '../../src/admin/apply.ts'
import { parseDeclarativeFile } from '../../src/admin/declarative-file.ts'
import { findKnownObjects } from '../../src/admin/known-objects.ts'
import { type App, createApp } from '../../src/app.ts'
import { createAudit } from '../../src/audit/audit.ts'
import { type Config, loadConfig } from '../../src/config.ts'
import type { Db } from '../../src/db/connect.ts'
import { type Listening, listen } from '../../src/http/server.ts'
import { createLog, type Logger } from '../../src/log.ts'
import { createKeyring, type Keyring } from '../../src/secrets/keyring.ts'
import { type Agent, createAgent } from './agent.ts'
import { type MigratedDatabase, migratedDatabase } from './database.ts'
import { freePort } from './free-port.ts'
import { startNodeWork } from './queries.ts'

export interface TestApp {
  readonly issuer: string
  readonly config: Config
  readonly keyring: Keyring
  readonly db: Db
  readonly database: MigratedDatabase
  readonly app: App
  readonly log: Logger
  /** Every line of the log, at the level of `LOG_LEVEL` (debug unless given). */
  readonly logLines: string[]
  /** Applies a declarative file, as an operator would. */
  apply(file: object): Promise<void>
  agent(): Agent
  close(): Promise<void>
}

/** The master secret of every test server, so that several processes share one. */
export const TEST_SECRET = Buffer.alloc(32, 7).toString('base64url')

/** @param env settings, as in the environment */
export async function startApp(env: Record<string, string> = {}, file?: object): Promise<TestApp> {
  const port = await freePort()
  const config = loadConfig({ PORT: String(port), LATCHKEY_SECRETS: TEST_SECRET, LOG_LEVEL: 'debug', ...env })
  const logLines: string[] = []
  const log = createLog(config.logLevel, { write: line => void logLines.push(line) })
  const database = await migratedDatabase({ log })
  const { db } = database
  const keyring = createKeyring(config.secrets)
  const apply = async (content: object) => {
    const audit = createAudit({ db, log })
    const known = await findKnownObjects(db, content)
    await applyFile({ db, keyring, audit, log }, parseDeclarativeFile(JSON.stringify(content), known))
  }
  if (file) await apply(file)
  const app = await startNodeWork(() => createApp({ config, db, keyring, log }))
  const server: Listening = await listen(app.koa, config, app.tls)
  return {
    issuer: config.issuer,
    config,
    keyring,
    db,
    database,
    app,
    log,
    logLines,
    apply,
    agent: () => createAgent(config.issuer),
    async close() {
      await server.close()
      await app.stop()
      await database.close()
    },
  }
}
