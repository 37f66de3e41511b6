// Starts the server on a data directory, waits until it accepts connections, and stops it.
import { readFileSync } from 'node:fs'
import { createServer, Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import { codeOf } from './process-state.ts'
import type { RunAs } from './run-as.ts'
import { output, spawnTied, type TiedProcess } from './tied.ts'

export interface ServerOptions {
  readonly data: string
  readonly binaries: Binaries
  readonly runAs: RunAs
  readonly log: (line: string) => void
  readonly port: number | undefined
  readonly durable: boolean
  readonly maxConnections: number
}

export interface Server {
  readonly port: number
  stop(): Promise<void>
}

const ATTEMPTS = 5
const STEP = 10

export async function startServer(options: ServerOptions): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const lines: string[] = []
    const child = spawnTied(options.runAs, argv(options, port))
    output(child, line => {
      options.log(line)
      lines.push(line)
      if (lines.length > 20) lines.shift()
    })
    if (await becomesReady(child, options.data)) return running(child, port, options.log)
    const said = [...lines, (await child.ended).how].join('\n')
    // Somebody took the free port before Postgres did; or a killed server's children are still going away.
    const passes = /Address already in use/.test(said)
      ? options.port === undefined
      : /still in use/.test(said)
    if (!passes || attempt === ATTEMPTS)
      throw new Error(`Postgres did not start in ${options.data}:\n${said}`)
    await sleep(200 * attempt)
  }
}

function argv({ binaries, data, durable, maxConnections }: ServerOptions, port: number): string[] {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: maxConnections,
    timezone: 'UTC',
    // A small server beside its one application: little memory, no replicas, few processes.
    shared_buffers: '32MB',
    max_wal_size: '256MB',
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_logical_replication_workers: 0,
    io_method: 'sync',
    jit: 'off',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    // The application sees its own errors, and they may quote what people entered.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    log_line_prefix: '',
    log_timezone: 'UTC',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return [binaries.postgres, '-D', data, ...flags]
}

function running(child: TiedProcess, port: number, log: (line: string) => void): Server {
  let stopping: Promise<void> | undefined
  const ended = child.ended.then(({ how }) => {
    if (!stopping) log(`Postgres has ended by itself (${how}).`)
  })
  // Whoever forgets to stop it can still exit.
  holdEventLoop(child, false)
  return {
    port,
    stop() {
      stopping ??= stop(child, ended)
      return stopping
    },
  }
}

// Fast: running transactions are rolled back, the data is written out. At once only when that hangs.
async function stop(child: TiedProcess, ended: Promise<void>): Promise<void> {
  holdEventLoop(child, true)
  child.process.kill('SIGINT')
  const impatience = [
    setTimeout(() => child.process.kill('SIGQUIT'), 15_000),
    setTimeout(() => child.process.kill('SIGKILL'), 20_000),
  ]
  await ended
  for (const timer of impatience) clearTimeout(timer)
}

function holdEventLoop({ process: child }: TiedProcess, hold: boolean): void {
  for (const handle of [child, ...child.stdio]) {
    if (handle === child || handle instanceof Socket) hold ? handle.ref() : handle.unref()
  }
}

/** False when it ended instead. Recovery after a crash may take its time. */
async function becomesReady(child: TiedProcess, data: string): Promise<boolean> {
  const over = child.ended.then(() => true)
  for (;;) {
    if (status(data, child.process.pid) === 'ready') return true
    if (await Promise.race([over, sleep(STEP, false)])) return false
  }
}

/** The last line of postmaster.pid, as pg_ctl reads it. */
function status(data: string, pid: number | undefined): string | undefined {
  try {
    const lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
    return Number(lines[0]) === pid ? lines[7]?.trim() : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port)
        else reject(new Error('No port is free on 127.0.0.1.'))
      })
    })
  })
}
