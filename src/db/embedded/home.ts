// Where the data lies: in the directory that was asked for, unless the user who runs Postgres cannot get there. Then it
// moves to a directory of its own under /var/lib/latchkey, and a link named `home` leads to it.
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { can, type RunAs } from './run-as.ts'

const ELSEWHERE = '/var/lib/latchkey'

/** The directory that holds `data`, reachable for `runAs`. */
export function findHome(directory: string, runAs: RunAs, log: (line: string) => void): string {
  const current = currentHome(directory)
  const home = isReachable(current, runAs) ? current : moveHome(directory, current, runAs)
  if (home !== directory) log(`The database of ${directory} is in ${home}: ${runAs.name} can reach it there.`)
  return home
}

export function currentHome(directory: string): string {
  const link = join(directory, 'home')
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) return directory
  if (!existsSync(link)) {
    throw new Error(
      `The database is gone: ${link} leads to nothing. Restore it, or remove that link to start empty.`,
    )
  }
  return realpathSync(link)
}

function isReachable(home: string, runAs: RunAs): boolean {
  // Others may pass through, to data that only its owner can open. They may not list.
  if (runAs.kind === 'user') chmodSync(home, 0o711)
  return can(runAs, '-x', home)
}

function moveHome(directory: string, from: string, runAs: RunAs): string {
  mkdirSync(ELSEWHERE, { recursive: true, mode: 0o755 })
  const home = mkdtempSync(join(ELSEWHERE, 'postgres-'))
  if (!isReachable(home, runAs)) {
    rmSync(home, { recursive: true })
    throw new Error(
      `${runAs.name} can reach neither ${from} nor ${ELSEWHERE}. Set DATABASE_URL, or open one of them.`,
    )
  }
  if (existsSync(join(from, 'data'))) moveDirectory(join(from, 'data'), join(home, 'data'))
  const link = join(directory, 'home')
  rmSync(link, { force: true })
  symlinkSync(home, link)
  return home
}

function moveDirectory(from: string, to: string): void {
  if (statSync(from).dev === statSync(dirname(to)).dev) {
    renameSync(from, to)
    return
  }
  const copy = `${to}.new`
  cpSync(from, copy, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  renameSync(copy, to)
  rmSync(from, { recursive: true })
}
