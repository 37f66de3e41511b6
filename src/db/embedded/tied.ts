// A child process that ends with us, also when we are killed.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { commandFor, type RunAs } from './run-as.ts'

// Becomes the given command, after leaving a process behind that reads from a pipe we hold. A line means the command has
// ended. End of file means that we have: then it stops Postgres, first fast (SIGINT), then at once (SIGQUIT).
const WITH_LIFELINE = `
(
  trap '' INT TERM HUP
  {
    read -r line <&3 && exit
    kill -INT $$ || exit
    for second in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 $$ || exit; done
    kill -QUIT $$
  } </dev/null >/dev/null 2>&1 &
)
exec "$@" 3<&-`

export interface Ending {
  readonly ok: boolean
  /** For people: an exit code, a signal, or why it could not be started. */
  readonly how: string
}

export interface TiedProcess {
  readonly process: ChildProcess
  /** Never rejects. */
  readonly ended: Promise<Ending>
}

export function spawnTied(runAs: RunAs, argv: readonly string[]): TiedProcess {
  const { file, args, options } = commandFor(runAs, ['/bin/sh', '-c', WITH_LIFELINE, 'sh', ...argv])
  // A session of its own: Ctrl-C in a terminal must reach us only, who still have requests to finish.
  const child = spawn(file, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const lifeline = child.stdio[3]
  if (!(lifeline instanceof Writable)) throw new Error('The child process has no pipe.')
  const ended = new Promise<Ending>(resolve => {
    // Somebody may have killed the reader by hand; the command lives on, and its end is still seen below.
    lifeline.on('error', () => lifeline.destroy())
    child.on('error', error => resolve({ ok: false, how: error.message }))
    child.once('close', (code, signal) => resolve({ ok: code === 0, how: signal ?? `exit code ${code}` }))
    child.once('exit', () => lifeline.end('ended\n'))
  })
  return { process: child, ended }
}

export function output({ process: child }: TiedProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onLine)
  }
}
