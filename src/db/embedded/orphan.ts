// What an earlier start left behind when it was killed: a server that is about to end, or a pid file that lies.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { currentHome } from './home.ts'
import { codeOf, isRunning } from './lock.ts'

// Larger than any process number of a 64-bit Linux or of macOS.
const NO_PROCESS = 4_194_305
const STEP = 50

/** Called by the one who holds the directory: a server that still runs there has lost its starter and is ended. */
export async function endOrphan(directory: string, log: (line: string) => void): Promise<void> {
  const data = join(currentHome(directory), 'data')
  const pidFile = join(data, 'postmaster.pid')
  const content = readIfThere(pidFile)
  const pid = Number(content?.split('\n')[0])
  if (content === undefined || !(pid > 0) || !isRunning(pid)) return
  if (!isServerOf(pid, data)) {
    // Postgres takes any living process of that number for a server. The rest of the file stays: with it Postgres finds
    // out whether a killed server's children still use the data.
    writeFileSync(pidFile, content.replace(/^\d+/, String(NO_PROCESS)))
    return
  }
  log(`Waiting for Postgres ${pid} of an earlier start to end.`)
  // Its lifeline ends it already. The signals are for one that has lost its lifeline too.
  for (let waited = 0; waited < 30_000; waited += STEP) {
    if (waited === 3_000) process.kill(pid, 'SIGINT')
    if (waited === 15_000) process.kill(pid, 'SIGQUIT')
    if (!isRunning(pid) || !isServerOf(pid, data)) return
    await sleep(STEP)
  }
  throw new Error(`Postgres ${pid} of an earlier start does not end. Stop it, then start again.`)
}

function isServerOf(pid: number, data: string): boolean {
  const command =
    process.platform === 'linux'
      ? readIfThere(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ')
      : spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout
  return command?.includes(`-D ${data} `) ?? false
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined
    throw error
  }
}
