// Child processes of tests.
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf } from '../../src/db/embedded/process-state.ts'

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly process: ChildProcess
  /** Resolves when standard output matches; rejects when the process ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  readonly finished: Promise<Finished>
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
}

/** Node runs TypeScript by itself from 22.18 on; before, only when told to. */
export const TYPESCRIPT = process.features.typescript ? [] : ['--experimental-strip-types', '--no-warnings']

export function runNode(
  args: readonly string[],
  { env = process.env, input = '' }: RunOptions = {},
): Running {
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  child.stdin.end(input)
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return {
    process: child,
    finished,
    printed: pattern =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(stdout)
          if (match) resolve(match)
        }
        look()
        child.stdout.on('data', look)
        finished.then(({ code, signal }) => {
          look()
          reject(new Error(`It ended (${signal ?? code}) before it printed ${pattern}:\n${stdout}${stderr}`))
        }, reject)
      }),
  }
}

/** Looks again and again, for two minutes and more. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 2_400; attempt++) {
    if (await holds()) return
    await sleep(50)
  }
  throw new Error(`This did not come true: ${what}`)
}

export function isAlive(pid: number): boolean {
  return identityOf(pid) !== undefined
}
