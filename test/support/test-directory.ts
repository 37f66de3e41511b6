// Data directories of embedded servers that tests started.
import { readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { currentHome } from '../../src/db/embedded/home.ts'
import { claimDirectory } from '../../src/db/embedded/lock.ts'

const PREFIX = 'latchkey-test-'
const MINUTE = 60_000

/** Removes it, wherever its data was moved to. */
export function removeDirectory(directory: string): void {
  for (const path of [currentHome(directory), directory])
    rmSync(path, { recursive: true, force: true, maxRetries: 5 })
}

/** What earlier runs left because they were killed. */
export function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir()).filter(name => name.startsWith(PREFIX))) {
    const directory = join(tmpdir(), name)
    const stat = statSync(directory, { throwIfNoEntry: false })
    const isOurs = stat?.uid === process.getuid?.()
    const isOld = stat !== undefined && stat.mtimeMs < Date.now() - MINUTE
    if (isOurs && isOld && !isInUse(directory)) removeDirectory(directory)
  }
}

function isInUse(directory: string): boolean {
  try {
    claimDirectory(directory)()
    return false
  } catch (error) {
    return String(error).includes('is in use')
  }
}
