// Postgres refuses to run as root. This decides as whom it runs, and how a command is put for that.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export type RunAsChoice = 'namespace' | 'user'

export interface RunAs {
  /** self: we are not root. namespace: root's own files under another number. user: an account without rights. */
  readonly kind: 'self' | RunAsChoice
  readonly name: string
  /** Who must own the data. */
  readonly uid: number
  readonly gid: number
}

/** The little that Postgres needs. Nothing of ours: our environment holds secrets. */
export const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

const UNSHARE = ['unshare', '--user', '--map-user=1000', '--map-group=1000', '--']

export interface Command {
  readonly file: string
  readonly args: string[]
  readonly options: { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv }
}

export function chooseRunAs(wanted?: RunAsChoice): RunAs {
  const uid = process.getuid?.()
  const gid = process.getgid?.()
  if (uid === undefined || gid === undefined) {
    throw new Error(`The embedded Postgres does not run on ${process.platform}. Set DATABASE_URL.`)
  }
  if (uid !== 0) return { kind: 'self', name: `user ${uid}`, uid, gid }
  const namespace: RunAs = { kind: 'namespace', name: 'root in a user namespace', uid, gid }
  if (wanted === 'namespace') return namespace
  if (wanted === undefined && runSync(namespace, ['true']).status === 0) return namespace
  return unprivilegedUser()
}

export function commandFor(runAs: RunAs, argv: readonly string[]): Command {
  const [file, ...args] = runAs.kind === 'namespace' ? [...UNSHARE, ...argv] : argv
  if (file === undefined) throw new Error('An empty command.')
  const identity = runAs.kind === 'user' ? { uid: runAs.uid, gid: runAs.gid } : {}
  return { file, args, options: { ...identity, cwd: '/', env: ENVIRONMENT } }
}

export function runSync(runAs: RunAs, argv: readonly string[]): SpawnSyncReturns<string> {
  const { file, args, options } = commandFor(runAs, argv)
  return spawnSync(file, args, { ...options, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Whether that user passes a test of the shell (`-x`, `-r`, `-w`) on a path, its parents included. */
export function can(runAs: RunAs, test: '-x' | '-r' | '-w', path: string): boolean {
  const result = runSync(runAs, ['test', test, path])
  if (result.error) throw new Error(`Cannot run a command as ${runAs.name}: ${result.error.message}`)
  return result.status === 0
}

function unprivilegedUser(): RunAs {
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find(line => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) {
      return { kind: 'user', name: `user ${name}`, uid: Number(uid), gid: Number(gid) }
    }
  }
  throw new Error(
    'Postgres refuses to run as root, and there is no user postgres or nobody to run it as. Set DATABASE_URL.',
  )
}
