// What can be known about a process by its number.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** True for a zombie too: its number is still taken. */
export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/**
 * A number comes round again, also to ourselves in a new container: the time of its start makes it one process.
 * undefined: nothing runs under that number.
 */
export function identityOf(pid: number): string | undefined {
  if (!(pid > 0) || !exists(pid)) return undefined
  if (process.platform !== 'linux') return String(pid)
  const stat = readIfThere(`/proc/${pid}/stat`)
  // The name before it may hold anything, parentheses and spaces included. See proc_pid_stat(5).
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  const [state, startTime] = [fields[0], fields[19]]
  return state === undefined || state === 'Z' || state === 'X' ? undefined : `${pid}:${startTime}`
}

/** Its command line, arguments separated by spaces; empty for a zombie. */
export function commandOf(pid: number): string {
  if (process.platform === 'linux') return readIfThere(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? ''
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined
    throw error
  }
}

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
