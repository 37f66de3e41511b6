/**
 * The impure start: reads the environment, opens the database, listens, and drains on SIGTERM. What each step means is
 * said where it is done; what a request meets is in app.ts.
 */
import { accessSync, constants, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareAdminLink } from './admin/admin-link.ts'
import { applyFile } from './admin/apply.ts'
import { readDeclarativeFile } from './admin/declarative-file.ts'
import { closeDemo, demoCurl, prepareDemo } from './admin/demo.ts'
import { createApp, prepareOwnResource } from './app.ts'
import { createAudit } from './audit/audit.ts'
import { type Config, loadConfig } from './config.ts'
import { connect, type Db } from './db/connect.ts'
import { startEmbeddedPostgres } from './db/embedded.ts'
import { migrate } from './db/migrate.ts'
import { isUnavailable } from './db/unavailable.ts'
import { listen } from './http/server.ts'
import { createLog, type Logger } from './log.ts'
import { createKeyring, type Keyring } from './secrets/keyring.ts'
import { printScannerRules, SCANNER_FORMATS } from './secrets/scanner-rules.ts'
import { ensureSecretsFile } from './secrets/secrets-file.ts'
import { createInvitation } from './sign-in/invitation.ts'

interface Opened {
  readonly config: Config
  readonly log: Logger
  readonly db: Db
  readonly keyring: Keyring
  close(): Promise<void>
}

const print = (...words: readonly string[]) => process.stdout.write(`${words.join(' ')}\n`)

async function migrateWhenThere({ db, log, config }: Opened): Promise<string[]> {
  for (let waited = 0; ; waited++) {
    try {
      return await migrate(db)
    } catch (error) {
      const cause = (error as { cause?: unknown }).cause ?? error
      if (!isUnavailable(cause)) throw error
      if (waited >= config.databaseWait)
        throw new Error(`The database cannot be reached. Is DATABASE_URL right, and the server running?`, {
          cause,
        })
      if (waited === 0) log.warn({ err: cause }, 'waiting for the database')
      await sleep(1000)
    }
  }
}

function makeDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(
      `DATA_DIR is ${path}, which cannot be used (${code}). Set it to a directory that this user may write to.`,
      { cause },
    )
  }
}

async function open(): Promise<Opened> {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel)
  const dataDir = resolve(config.dataDir)
  if (config.secrets.length === 0 || config.databaseUrl === undefined) makeDataDir(dataDir)
  const keyring = createKeyring(config.secrets.length > 0 ? config.secrets : ensureSecretsFile(dataDir))
  const embedded =
    config.databaseUrl === undefined
      ? await startEmbeddedPostgres({
          directory: resolve(dataDir, 'postgres'),
          log: line => log.debug({ postgres: line }, 'postgres'),
        })
      : undefined
  const db = connect(config.databaseUrl ?? embedded?.url ?? '', { poolSize: config.databasePoolSize, log })
  return {
    config,
    log,
    db,
    keyring,
    async close() {
      await db.destroy()
      await embedded?.stop()
    },
  }
}

/** Closes what was opened when `work` fails, and passes the error on. */
async function withOpened<T>(work: (opened: Opened) => Promise<T>): Promise<T> {
  const opened = await open()
  try {
    return await work(opened)
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** Ends the process in order at the first SIGTERM or SIGINT. */
function onSignal(log: Logger, end: () => Promise<void>): void {
  let isEnding = false
  const begin = async (signal: NodeJS.Signals) => {
    if (isEnding) return
    isEnding = true
    log.info({ signal }, 'ending: no new work, finishing what is in flight')
    try {
      await end()
      log.info('ended')
    } catch (error) {
      log.error({ err: error }, 'the end was not orderly')
      process.exit(1)
    }
  }
  process.on('SIGTERM', begin)
  process.on('SIGINT', begin)
}

/** `latchkey start`. Returns when the server answers; the process ends with a signal. */
export async function start(): Promise<void> {
  await withOpened(async opened => {
    const { config, log, db, keyring, close } = opened
    const applied = await migrateWhenThere(opened)
    if (applied.length > 0) log.info({ migrations: applied }, 'schema brought up to date')
    await prepareOwnResource(db, config.issuer)
    if (config.configFile !== undefined) {
      const audit = createAudit({ db, log })
      const summary = await applyFile(
        { db, keyring, audit, log },
        await readDeclarativeFile(db, config.configFile),
      )
      log.info(summary, 'declarative file applied')
    }
    const isDemo = config.configFile === undefined && !config.production
    const demo = isDemo ? await prepareDemo({ db, keyring }) : undefined
    if (!demo && (await closeDemo(db))) log.warn('the demo client of an earlier start was disabled')
    const app = await createApp({ config, db, keyring, log })
    const server = await listen(app.koa, config, app.tls).catch(async (error: unknown) => {
      // What runs beside requests would go on asking a database that is closed.
      await app.stop()
      throw error
    })
    const adminLink = await prepareAdminLink(db, keyring)
    // Before anything is printed: whoever reads `ready` may send a signal at once.
    onSignal(log, async () => {
      app.drain()
      await sleep(config.shutdownDelay * 1000)
      await server.close()
      await app.stop()
      await close()
    })
    print('issuer', config.issuer)
    if (adminLink !== undefined) print('admin', `${config.issuer}${adminLink}`)
    print('data', resolve(config.dataDir))
    if (demo) print('try', demoCurl(config.issuer, demo))
    print('ready')
  })
}

/** `latchkey migrate` */
export async function migrateDatabase(json: boolean): Promise<void> {
  await withOpened(async opened => {
    const applied = await migrateWhenThere(opened)
    print(json ? JSON.stringify({ applied }) : applied.join('\n') || 'nothing to do')
    await opened.close()
  })
}

/** `latchkey invite` */
export async function invite(json: boolean): Promise<void> {
  await withOpened(async opened => {
    const { config, db, keyring, close } = opened
    await migrateWhenThere(opened)
    const admin = await db.selectFrom('account').select('id').where('admin', '=', true).executeTakeFirst()
    if (!admin)
      throw new Error(
        'Make the first administrator before you invite people: latchkey start prints the link.',
      )
    const url = `${config.issuer}/sign-up?invite=${await createInvitation(db, keyring, admin.id)}`
    print(json ? JSON.stringify({ url }) : url)
    await close()
  })
}

/** `latchkey scanner-rules`. Needs no database. @param format one of those that the command knows */
export async function scannerRules(
  json: boolean,
  { format }: { format?: string | undefined },
): Promise<void> {
  const wanted = SCANNER_FORMATS.find(one => one === (format ?? (json ? 'json' : 'gitleaks')))
  if (!wanted) throw new Error(`There is no format "${format}". There are: ${SCANNER_FORMATS.join(', ')}.`)
  process.stdout.write(printScannerRules(wanted, loadConfig(process.env)))
}
