import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/db/embedded.ts'
import { isAlive, runNode, TYPESCRIPT, until } from '../support/process.ts'
import { removeDirectory } from '../support/test-directory.ts'

const STARTER = fileURLToPath(new URL('../support/embedded-starter.ts', import.meta.url))
const asRoot = process.getuid?.() === 0

const servers: EmbeddedPostgres[] = []
const directories: string[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  for (const directory of directories.splice(0).reverse()) removeDirectory(directory)
})

function emptyDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  directories.push(directory)
  return directory
}

async function start(
  directory: string,
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory, durable: false, log: () => {}, ...options })
  servers.push(server)
  return server
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

function pidOf(directory: string): number {
  return Number(readFileSync(join(directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0])
}

test('starts a real Postgres with an empty UTF-8 database named latchkey', async () => {
  const { url } = await start(emptyDirectory())
  expect(new URL(url).hostname).toBe('127.0.0.1')
  expect(await query(url, 'select current_database()')).toEqual(['latchkey'])
  expect(await query(url, `select current_setting('server_encoding'), lower('Ä')`)).toEqual(['UTF8', 'ä'])
  expect(await query(url, `select count(*)::int from pg_tables where schemaname = 'public'`)).toEqual([0])
})

test('keeps the data and the password over a restart', async () => {
  const directory = emptyDirectory()
  const first = await start(directory, { durable: true })
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  await first.stop() // twice does no harm
  const second = await start(directory, { durable: true })
  expect(await query(second.url, 'select answer from kept')).toEqual([42])
  expect(new URL(second.url).password).toBe(new URL(first.url).password)
})

test('lets nobody in without the password', async () => {
  const directory = emptyDirectory()
  const { url } = await start(directory)
  const without = new URL(url)
  without.password = ''
  await expect(query(without.href, 'select 1')).rejects.toThrow(/password/)
  without.password = 'guess'
  await expect(query(without.href, 'select 1')).rejects.toThrow(/password authentication failed/)
  expect(statSync(join(directory, 'password')).mode & 0o777).toBe(0o600)
})

test('refuses a second start on a directory in use, and leaves the first alone', async () => {
  const directory = emptyDirectory()
  const { url } = await start(directory)
  await expect(start(directory)).rejects.toThrow(`is in use by process ${process.pid}`)
  const other = await runNode([...TYPESCRIPT, STARTER, directory]).finished
  expect(other.code).toBe(1)
  expect(other.stderr).toContain(`is in use by process ${process.pid}`)
  expect(await query(url, 'select 1')).toEqual([1])
})

test('two first starts at once: one gets the directory', async () => {
  const directory = emptyDirectory()
  const results = await Promise.allSettled([start(directory), start(directory)])
  expect(results.map(result => result.status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('ends when its starter is killed, and the next start follows at once', async () => {
  const directory = emptyDirectory()
  const starter = runNode([...TYPESCRIPT, STARTER, directory])
  const [url] = await starter.printed(/postgres:\S+/)
  await query(url, 'create table kept as select 42 as answer')
  const pid = pidOf(directory)
  starter.process.kill('SIGKILL')
  await starter.finished
  const next = await start(directory)
  expect(isAlive(pid)).toBe(false)
  expect(await query(next.url, 'select answer from kept')).toEqual([42])
})

test('ends when its starter is killed, with nobody there to look after it', async () => {
  const directory = emptyDirectory()
  const starter = runNode([...TYPESCRIPT, STARTER, directory])
  await starter.printed(/postgres:\S+/)
  const pid = pidOf(directory)
  starter.process.kill('SIGKILL')
  await until('no Postgres', () => !isAlive(pid))
})

test('a Postgres that was killed is recovered, also with its pid taken by another process', async () => {
  const directory = emptyDirectory()
  const lines: string[] = []
  const first = await start(directory, { log: line => lines.push(line) })
  await query(first.url, 'create table kept as select 42 as answer')
  const pid = pidOf(directory)
  process.kill(pid, 'SIGKILL')
  await until('the log says so', () => lines.some(line => line.includes('Postgres has ended by itself')))
  await first.stop()
  const pidFile = join(directory, 'data', 'postmaster.pid')
  writeFileSync(pidFile, readFileSync(pidFile, 'utf8').replace(/^\d+/, String(process.pid)))
  const second = await start(directory)
  expect(await query(second.url, 'select answer from kept')).toEqual([42])
})

test('begins again when the first start was interrupted', async () => {
  const directory = emptyDirectory()
  mkdirSync(join(directory, 'data.new', 'base'), { recursive: true })
  writeFileSync(join(directory, 'password'), 'of the interrupted start\n')
  const { url } = await start(directory)
  expect(await query(url, 'select 1')).toEqual([1])
})

test('says why when the data is from another major version, or the password is gone', async () => {
  const directory = emptyDirectory()
  await (await start(directory)).stop()
  writeFileSync(join(directory, 'data', 'PG_VERSION'), '12\n')
  await expect(start(directory)).rejects.toThrow('was made by Postgres 12')
  const other = emptyDirectory()
  await (await start(other)).stop()
  rmSync(join(other, 'password'))
  await expect(start(other)).rejects.toThrow('its password is gone')
})

test('takes the port it is given, and says when that is taken', async () => {
  const first = await start(emptyDirectory())
  const port = Number(new URL(first.url).port)
  await expect(start(emptyDirectory(), { port })).rejects.toThrow(/Address already in use/)
  await first.stop()
  const second = await start(emptyDirectory(), { port })
  expect(new URL(second.url).port).toBe(String(port))
})

test('works beneath a directory that nobody else can enter', async () => {
  const directory = join(emptyDirectory(), 'private', 'below')
  mkdirSync(join(directory, '..'), { mode: 0o700 })
  const { url } = await start(directory)
  expect(await query(url, 'select 1')).toEqual([1])
})

// Only root has to become somebody else: there is nothing to test for an ordinary user.
if (asRoot) {
  describe('as root, without user namespaces', () => {
    test('runs as another user, in place when that user can get there', async () => {
      const directory = emptyDirectory()
      const namespace = await start(directory)
      await query(namespace.url, 'create table kept as select 42 as answer')
      await namespace.stop()
      const user = await start(directory, { runAs: 'user' })
      expect(await query(user.url, 'select answer from kept')).toEqual([42])
      expect(statSync(join(directory, 'data')).uid).not.toBe(0)
      await user.stop()
      const again = await start(directory)
      expect(await query(again.url, 'select answer from kept')).toEqual([42])
    })

    test('moves the data to where that user can get, says where, and finds it again', async () => {
      const closed = emptyDirectory()
      const directory = join(closed, 'postgres')
      const first = await start(directory)
      await query(first.url, 'create table kept as select 42 as answer')
      await first.stop()
      const lines: string[] = []
      const moved = await start(directory, { runAs: 'user', log: line => lines.push(line) })
      directories.push(directory)
      expect(lines[0]).toMatch(/is in \/var\/lib\/latchkey\/postgres-/)
      expect(await query(moved.url, 'select answer from kept')).toEqual([42])
      await moved.stop()
      const again = await start(directory)
      expect(await query(again.url, 'select answer from kept')).toEqual([42])
    })
  })
}
