// Before the first test: one Postgres server for the whole run, or the one TEST_DATABASE_URL names.
// Jest hands this file to Node as it is, so its imports are those that Node itself understands.
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startEmbeddedPostgres } from '../../src/db/embedded.ts'
import { checkServer, dropDatabasesOfRun } from './postgres.ts'
import { removeAbandoned, removeDirectory } from './test-directory.ts'
import { atEnd } from './test-run.ts'

const BUILD = fileURLToPath(new URL('../../bin/build.mjs', import.meta.url))
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export default async function setUp(): Promise<void> {
  // No test waits for the compiler. What does not compile is said, and fails the tests that run the command.
  const { buildWhenStale } = (await import(BUILD)) as { buildWhenStale(): boolean }
  buildWhenStale()
  process.env.LATCHKEY_TEST_RUN = `latchkey_test_${randomBytes(4).toString('hex')}`
  if (process.env.TEST_DATABASE_URL) {
    await checkServer()
    atEnd(dropDatabasesOfRun)
    return
  }
  removeAbandoned()
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  const server = await startEmbeddedPostgres({
    directory,
    durable: false,
    maxConnections: 200,
    log: line => {
      if (/^(PANIC|Postgres has ended)/.test(line)) console.error(line)
    },
  })
  process.env.TEST_DATABASE_URL = server.url
  const stop = async () => {
    await server.stop()
    removeDirectory(directory)
  }
  const interrupted = async (signal: NodeJS.Signals) => {
    await stop()
    for (const other of SIGNALS) process.off(other, interrupted)
    process.kill(process.pid, signal)
  }
  for (const signal of SIGNALS) process.on(signal, interrupted)
  atEnd(async () => {
    for (const signal of SIGNALS) process.off(signal, interrupted)
    await stop()
    delete process.env.TEST_DATABASE_URL
  })
}
