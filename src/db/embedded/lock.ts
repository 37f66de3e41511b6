// One starter per directory. A symbolic link is created whole or not at all; its target says which process holds it.
import { readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, identityOf } from './process-state.ts'

/** Takes the directory, or throws when a living process has it. Returns how to give it back. */
export function claimDirectory(directory: string): () => void {
  const lock = join(directory, 'starter')
  const me = identityOf(process.pid) ?? String(process.pid)
  for (;;) {
    if (tryLink(me, lock)) return () => rmSync(lock, { force: true })
    const holder = readLink(lock)
    if (holder === undefined) continue
    const pid = Number(holder.split(':')[0])
    if (identityOf(pid) === holder) {
      const message = `The database in ${directory} is in use by process ${pid}.`
      throw new Error(`${message} Stop it first, or use another DATA_DIR.`)
    }
    rmSync(lock, { force: true })
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
