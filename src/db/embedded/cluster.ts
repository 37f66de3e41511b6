// The data directory and the password that opens it.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import type { RunAs } from './run-as.ts'
import { output, spawnTied } from './tied.ts'

export interface ClusterOptions {
  readonly directory: string
  readonly home: string
  readonly binaries: Binaries
  readonly runAs: RunAs
  readonly durable: boolean
}

export function readPassword(directory: string): string {
  return readFileSync(join(directory, 'password'), 'utf8').trim()
}

/** Returns the data directory, made when missing, owned by whom Postgres runs as. */
export async function ensureCluster(options: ClusterOptions): Promise<string> {
  const { directory, home, binaries, runAs } = options
  const data = join(home, 'data')
  if (!existsSync(data)) {
    await createCluster(options, data)
    return data
  }
  if (!existsSync(join(directory, 'password'))) {
    throw new Error(
      `There is a database in ${data}, but its password is gone: ${join(directory, 'password')} is missing.`,
    )
  }
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  if (made !== binaries.version.split('.')[0]) {
    throw new Error(
      `The database in ${data} was made by Postgres ${made}; this is ${binaries.version}. See pg_upgrade.`,
    )
  }
  giveTo(runAs, data)
  return data
}

async function createCluster({ directory, home, binaries, runAs, durable }: ClusterOptions, data: string) {
  const password = randomBytes(32).toString('base64url')
  writeFileSync(join(directory, 'password'), `${password}\n`, { mode: 0o600 })
  const staging = join(home, 'data.new')
  const passwordFile = join(home, 'password.new')
  for (const path of [staging, passwordFile]) rmSync(path, { recursive: true, force: true })
  try {
    mkdirSync(staging, { mode: 0o700 })
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600, flag: 'wx' })
    for (const path of [staging, passwordFile]) chownSync(path, runAs.uid, runAs.gid)
    const child = spawnTied(runAs, [
      ...[binaries.initdb, '-D', staging, '--username=latchkey', `--pwfile=${passwordFile}`],
      ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions'],
      ...(durable ? [] : ['--no-sync']),
    ])
    const lines: string[] = []
    output(child, line => lines.push(line))
    const { ok, how } = await child.ended
    if (!ok) throw new Error(`initdb failed (${how}):\n${lines.join('\n')}`)
    // Only a whole cluster gets the name: an interrupted start begins again.
    renameSync(staging, data)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function giveTo(runAs: RunAs, data: string): void {
  const { uid } = statSync(data)
  if (uid === runAs.uid) return
  if (process.getuid?.() !== 0) {
    throw new Error(
      `The database in ${data} belongs to user ${uid}. Start as that user, or use another DATA_DIR.`,
    )
  }
  const result = spawnSync('chown', ['-R', `${runAs.uid}:${runAs.gid}`, data], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`Cannot give ${data} to ${runAs.name}: ${result.stderr}`)
}
