// What an earlier start left behind when it was killed: a server that is about to end, or a pid file that lies.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { currentHome } from './home.ts'
import { commandOf, exists, readIfThere } from './process-state.ts'

// Larger than any process number of a 64-bit Linux or of macOS.
const NO_PROCESS = 4_194_305
const STEP = 50

/** Called by the one who holds the directory: a server that still runs there has lost its starter and is ended. */
export async function endOrphan(directory: string, log: (line: string) => void): Promise<void> {
  const data = join(currentHome(directory), 'data')
  const pidFile = join(data, 'postmaster.pid')
  const pid = Number(readIfThere(pidFile)?.split('\n')[0])
  if (!(pid > 0)) return
  if (isServerOf(pid, data)) {
    log(`Waiting for Postgres ${pid} of an earlier start to end.`)
    await waitForEnd(pid, data)
  }
  const left = readIfThere(pidFile)
  if (left === undefined || !exists(pid)) return
  // Postgres takes any process of that number for a server. The rest of the file stays: with it Postgres finds out
  // whether a killed server's children still use the data.
  writeFileSync(pidFile, left.replace(/^\d+/, String(NO_PROCESS)))
}

// Its lifeline ends it already. The signals are for one that has lost its lifeline too.
async function waitForEnd(pid: number, data: string): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += STEP) {
    if (!isServerOf(pid, data)) return
    if (waited === 3_000) process.kill(pid, 'SIGINT')
    if (waited === 15_000) process.kill(pid, 'SIGQUIT')
    await sleep(STEP)
  }
  throw new Error(`Postgres ${pid} of an earlier start does not end. Stop it, then start again.`)
}

function isServerOf(pid: number, data: string): boolean {
  return commandOf(pid).includes(`-D ${data} `)
}
