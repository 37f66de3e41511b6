// Runs a script on a Node that can run Latchkey: `node bin/on-node.mjs [options] script [arguments]`.
// This file must parse on Node 20.
import { spawn } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname } from 'node:path'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { CannotRun, nodeBinary } from './node-binary.mjs'

// Becomes the given command, after leaving a process behind that reads from a pipe we hold. A line means the command has
// ended. End of file means we were killed: then it ends the command, politely first.
const COMMAND_WITH_LIFELINE = `
(
  trap '' INT TERM HUP
  {
    read -r line <&3 && exit
    kill -TERM $$ || exit
    for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 1; kill -0 $$ || exit; done
    kill -KILL $$
  } >/dev/null 2>&1 &
)
exec "$@" 3<&-`

/** Runs `binary` with `args` in place of this process: same standard streams, signals passed on, same end. */
export function run(binary, args) {
  const child = spawn('/bin/sh', ['-c', COMMAND_WITH_LIFELINE, 'sh', binary, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, PATH: pathWith(dirname(binary)) },
  })
  const lifeline = child.stdio[3]
  lifeline.on('error', error => {
    // The reader is gone when someone killed it by hand. The command itself is not affected.
    if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error
  })
  // A terminal sends Ctrl-C to the child as well: passing it on would make it two.
  const atTerminal = [0, 1, 2].some(fd => isatty(fd))
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !atTerminal) child.kill(signal)
    })
  }
  child.on('error', error => {
    process.stderr.write(`Cannot start ${binary}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => lifeline.end('ended\n', () => endAs(code, signal)))
}

function endAs(code, signal) {
  if (signal === null) process.exit(code)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // Still here: the signal does not end a process by itself. Report it as a shell would.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100)
}

/** Turns a refusal into its one line and exit code 1. */
export function orExplain(start) {
  try {
    return start()
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  }
}

function pathWith(directory) {
  return [directory, process.env.PATH].filter(Boolean).join(delimiter)
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  orExplain(() => run(nodeBinary(), process.argv.slice(2)))
}
