// One starter per directory. A symbolic link is created whole or not at all; its target says which process holds it.
import { readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Takes the directory, or throws when a living process has it. Returns how to give it back. */
export function claimDirectory(directory: string): () => void {
  const lock = join(directory, 'starter')
  const me = nameOf(process.pid)
  for (;;) {
    if (tryLink(me, lock)) return () => rmSync(lock, { force: true })
    const holder = readLink(lock)
    if (holder === undefined) continue
    const pid = Number(holder.split(':')[0])
    if (isRunning(pid) && nameOf(pid) === holder) {
      throw new Error(
        `The database in ${directory} is in use by process ${pid}. Stop it first, or use another DATA_DIR.`,
      )
    }
    rmSync(lock, { force: true })
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

// A process number comes round again, also to ourselves in a new container: the time of its start makes it one process.
function nameOf(pid: number): string {
  if (process.platform !== 'linux') return `${pid}:`
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return `${pid}:${afterName[19]}`
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return `${pid}:`
    throw error
  }
}

function tryLink(target: string, path: string): boolean {
  try {
    symlinkSync(target, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
